package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/cmd/internal/executor"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/internal/flock"
)

// How often a directory is made that others remove meanwhile.
const (
	linksTries = 50
	linksAgain = 10 * time.Millisecond
)

// links is the directory of the short links to runs. All runners of a server on
// this machine share it: a Terraform plan remembers its path. A file of each that
// works there keeps the others from removing it.
type links struct {
	dir  string
	mark string
	lock *flock.Lock
}

// holdLinks makes the directory, which stays until release.
func holdLinks(cfg *config.Config, instance string) (links, error) {
	sum := sha256.Sum256([]byte(strings.TrimRight(cfg.WebHost, "/")))
	l := links{dir: filepath.Join(os.TempDir(), "semaphore-runner-"+hex.EncodeToString(sum[:6]))}
	l.mark = filepath.Join(l.dir, "runner-"+instance+".lock")
	err := errors.New("others remove it again and again")
	for try := range linksTries {
		if try > 0 {
			time.Sleep(linksAgain)
		}
		if err := executor.OwnDir(l.dir); err != nil {
			return l, err
		}
		if l.lock, err = flock.Try(l.mark); err != nil {
			continue // the last one has just removed the directory, or looks whether this runner is dead
		}
		if _, err = os.Lstat(l.mark); err == nil {
			return l, nil
		}
		_ = l.lock.Unlock() // it was removed before it was locked
	}
	return l, fmt.Errorf("directory of links: %s: %w", l.dir, err)
}

// release leaves the directory, and removes it where nobody else works there and
// nothing is left in it.
func (l links) release(log *slog.Logger) {
	err := errors.Join(l.lock.Unlock(), os.Remove(l.mark))
	others, _ := filepath.Glob(filepath.Join(l.dir, "runner-*.lock"))
	for _, mark := range others {
		if dead, held := flock.Try(mark); held == nil {
			_ = os.Remove(mark) // of one that was killed
			_ = dead.Unlock()
		}
	}
	_ = os.Remove(l.dir) // what is in use stays
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("leave the directory of links", "error", err)
	}
}
