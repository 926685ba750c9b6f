// Package flock locks files for the life of a process: the kernel gives the
// lock back when the process dies, whatever way it dies.
package flock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// ErrHeld tells that another process, or another Lock of this one, holds the
// file.
var ErrHeld = errors.New("lock is held")

// Lock is a held lock.
type Lock struct {
	mu sync.Mutex
	f  *os.File
}

// Try locks the file, which is made with mode 0600, or answers [ErrHeld].
func Try(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f: f}, nil
}

// Wait locks the file as soon as it is free, or returns the cause of ctx.
// Waiting is called once if the lock is held; it may be nil.
func Wait(ctx context.Context, path string, waiting func()) (*Lock, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		l, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return l, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Held tells whether somebody holds the file. A file that does not exist is
// not held.
func Held(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	err = lock(f)
	if err == nil {
		_ = unlock(f)
	}
	_ = f.Close()
	return errors.Is(err, ErrHeld)
}

// Unlock gives the lock back; a second call does nothing.
func (l *Lock) Unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := errors.Join(unlock(l.f), l.f.Close())
	l.f = nil
	return err
}
