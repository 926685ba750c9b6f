package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

// Files in the data directory.
const (
	dirLock     = "server.lock"      // held by the server that works there
	incarnation = "incarnations.txt" // names of the servers that worked there, the last one last
)

// dirPatience is how long a held data directory is waited for. A program that was
// killed while it was starting another one shares its lock with that until it
// runs.
const dirPatience = time.Second

// remembered is how many earlier incarnations count as dead. What an older one
// still holds is lost by time.
const remembered = 32

// life is one run of a server in its data directory.
type life struct {
	self string   // names it in the database
	dead []string // those before it: the lock proves that none of them lives
}

// begin takes the data directory for this process and writes down its name, so
// that the next server there knows what to deal with should this one be killed.
func begin(ctx context.Context, dir string) (l life, release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return l, nil, fmt.Errorf("data directory: %w: set data_dir", err)
	}
	patient, cancel := context.WithTimeout(ctx, dirPatience)
	defer cancel()
	lock, err := flock.Wait(patient, filepath.Join(dir, dirLock), nil)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return l, nil, fmt.Errorf("another server works in %s: give each its own data_dir", dir)
	}
	if err != nil {
		return l, nil, fmt.Errorf("data directory: %w: let this account write there, or set data_dir", err)
	}
	l, err = nextLife(filepath.Join(dir, incarnation))
	if err != nil {
		return l, nil, errors.Join(err, lock.Unlock())
	}
	return l, lock.Unlock, nil
}

// nextLife reads who was here and adds a name.
func nextLife(file string) (life, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return life{}, fmt.Errorf("read who worked in the data directory: %w", err)
	}
	l := life{self: rand.Text(), dead: strings.Fields(string(text))}
	l.dead = l.dead[max(0, len(l.dead)-remembered):]
	if err := writeWhole(file, strings.Join(append(l.dead[:len(l.dead):len(l.dead)], l.self), "\n")+"\n"); err != nil {
		return life{}, fmt.Errorf("write down who works in the data directory: %w", err)
	}
	return l, nil
}

// writeWhole replaces a file, for nobody else to read. A crash leaves the old or
// the new one.
func writeWhole(file, text string) error {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
