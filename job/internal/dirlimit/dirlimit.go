// Package dirlimit ends work that fills directories beyond a limit.
package dirlimit

import (
	"context"
	"io/fs"
	"path/filepath"
	"time"
)

// Watch returns a context that ends with the cause exceeded when one of the
// directories, each for itself, holds more than limit bytes; 0 means no limit.
// Done ends the watching, looks a last time and returns exceeded or nil. It
// must be called.
func Watch(ctx context.Context, limit int64, exceeded error, dirs ...string) (watched context.Context, done func() error) {
	if limit <= 0 {
		return ctx, func() error { return nil }
	}
	ctx, cancel := context.WithCancelCause(ctx)
	check := func() error {
		for _, dir := range dirs {
			if dir != "" && size(dir, limit) > limit {
				return exceeded
			}
		}
		return nil
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		const pause = 250 * time.Millisecond
		for wait := pause; ; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			start := time.Now()
			if err := check(); err != nil {
				cancel(err)
				return
			}
			wait = max(pause, 10*time.Since(start)) // large trees take a while to count
		}
	}()
	return ctx, func() error {
		cancel(nil)
		<-ended
		return check()
	}
}

// size adds the files below dir up and stops counting beyond limit.
func size(dir string, limit int64) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // files come and go while the work goes on
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		if sum > limit {
			return filepath.SkipAll
		}
		return nil
	})
	return sum
}
