package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

// ErrCacheInUse tells that a task works in what was to be cleared.
var ErrCacheInUse = errors.New("a task is running there: wait until it has ended")

// users counts the runs of this process by project.
type users struct {
	mu     sync.Mutex
	active map[int64]int
}

// use marks the directories of a project as in use until done is called.
func (u *users) use(project int64) (done func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.active == nil {
		u.active = map[int64]int{}
	}
	u.active[project]++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.active[project]--; u.active[project] == 0 {
			delete(u.active, project)
		}
	}
}

func (u *users) total() int {
	n := 0
	for _, count := range u.active {
		n += count
	}
	return n
}

// ClearCaches removes what is kept between the runs of a project, of all for 0:
// mirrors, kept checkouts, homes, roles and collections. Everything is fetched
// again when it is needed. A project with a running task is left alone and is
// an [ErrCacheInUse]; states, bundles and rescued files are never touched.
func (l *LocalJob) ClearCaches(ctx context.Context, project int64) error {
	trash, busy, err := l.discard(project)
	for _, dir := range trash {
		if ctx.Err() != nil {
			break // the next call goes on
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		return fmt.Errorf("clear caches: %w", err)
	}
	if busy {
		return ErrCacheInUse
	}
	return nil
}

// trashMark ends the names of directories that are about to be removed.
const trashMark = ".trash"

// discard gives the directories names that no run uses. No run of this process
// begins meanwhile.
func (l *LocalJob) discard(project int64) (trash []string, busy bool, err error) {
	l.users.mu.Lock()
	defer l.users.mu.Unlock()
	if l.liveRuns() > l.users.total() {
		return nil, true, nil // another process works here, on who knows what
	}
	for _, root := range []string{l.dir, filepath.Join(l.dir, "mirrors")} {
		entries, readErr := os.ReadDir(root)
		if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
			err = errors.Join(err, readErr)
		}
		for _, entry := range entries {
			name := entry.Name()
			dir := filepath.Join(root, name)
			if strings.HasPrefix(name, "project_") && strings.HasSuffix(name, trashMark) {
				trash = append(trash, dir)
				continue
			}
			var id int64
			if n, _ := fmt.Sscanf(name, "project_%d", &id); n != 1 || name != fmt.Sprintf("project_%d", id) || project != 0 && id != project {
				continue
			}
			if l.users.active[id] > 0 {
				busy = true
				continue
			}
			away := fmt.Sprintf("%s.%d%s", dir, l.cfg.Now().UnixNano(), trashMark)
			if renameErr := os.Rename(dir, away); renameErr != nil {
				err = errors.Join(err, renameErr)
				continue
			}
			trash = append(trash, away)
		}
	}
	return trash, busy, err
}

// liveRuns counts the runs of all processes.
func (l *LocalJob) liveRuns() int {
	n := 0
	for _, dir := range l.runDirs() {
		if flock.Held(filepath.Join(dir, ".lock")) {
			n++
		}
	}
	return n
}
