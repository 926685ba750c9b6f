package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/store"
)

// ownPatience is how long a held file is waited for. A program that was killed
// while it was starting another one shares its lock with that until it runs.
const ownPatience = time.Second

// Own takes the file for this process by a lock beside it, which the system
// gives back when the process dies. A database in memory has no other process.
func (s *Store) Own(ctx context.Context) (release func() error, err error) {
	if s.file == "" {
		return func() error { return nil }, nil
	}
	path := s.file + ".lock"
	patient, cancel := context.WithTimeout(ctx, ownPatience)
	defer cancel()
	l, err := flock.Wait(patient, path, nil)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, &store.OwnedError{File: s.file, PID: readPID(path)}
	}
	if err != nil {
		return nil, fmt.Errorf("own %s: %w", s.file, err)
	}
	if err := writePID(path); err != nil {
		return nil, errors.Join(fmt.Errorf("own %s: %w", s.file, err), l.Unlock())
	}
	return l.Unlock, nil
}

// The number stands behind the first byte: on Windows that one is what is
// locked, and nobody else can read it.
const pidOffset = 1

func writePID(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	text := strconv.Itoa(os.Getpid()) + "\n"
	_, err = f.WriteAt([]byte(text), pidOffset)
	if err == nil {
		err = f.Truncate(int64(pidOffset + len(text)))
	}
	return errors.Join(err, f.Close())
}

// readPID returns 0 where the holder has not written its number yet.
func readPID(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	buf := make([]byte, 32)
	n, _ := f.ReadAt(buf, pidOffset)
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		return 0
	}
	return pid
}
