package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// Swept is what a sweep did about one run whose process died.
type Swept struct {
	Task       TaskRef  `json:"task"`
	Processes  []string `json:"processes,omitempty"`   // ended, "name (pid n)"
	StateSaved bool     `json:"state_saved,omitempty"` // a newer Terraform state was stored
	// Ending tells that the run's supervisor is still stopping its tool, as gently
	// as the app wants it. Nothing was touched; a later sweep cleans up.
	Ending bool `json:"ending,omitempty"`
}

// Sweep cleans up after runs whose process died: their processes are ended,
// Terraform states saved, pins, links and directories removed. Runs whose lock
// is held are alive and left alone; a run whose state cannot be stored stays
// for the next sweep. Call it when a program starts, before its first Run.
func (l *LocalJob) Sweep(ctx context.Context) ([]Swept, error) {
	var swept []Swept
	var problems []error
	for _, path := range l.runDirs() {
		if ctx.Err() != nil {
			return swept, errors.Join(append(problems, context.Cause(ctx))...)
		}
		s, ok, err := l.sweepRun(ctx, path)
		if ok {
			swept = append(swept, s)
		}
		problems = append(problems, err)
	}
	if d, ok := l.cfg.States.(DeadReleaser); ok {
		unswept := l.unswept()
		problems = append(problems, d.ReleaseDead(ctx, func(task TaskRef) bool { return unswept[task] }))
	}
	problems = append(problems, l.sweepGalaxy())
	if err := errors.Join(problems...); err != nil {
		return swept, fmt.Errorf("sweep: %w", err)
	}
	return swept, nil
}

// runDirs lists the directories of runs, alive and dead.
func (l *LocalJob) runDirs() []string {
	root := filepath.Join(l.dir, "run")
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil // nothing has run yet
	}
	var dirs []string
	for _, entry := range entries {
		if entry.IsDir() {
			dirs = append(dirs, filepath.Join(root, entry.Name()))
		}
	}
	return dirs
}

// unswept lists the tasks whose directories are still there.
func (l *LocalJob) unswept() map[TaskRef]bool {
	tasks := map[TaskRef]bool{}
	for _, dir := range l.runDirs() {
		if record, err := readRunRecord(dir); err == nil {
			tasks[record.Task] = true
		}
	}
	return tasks
}

// sweepRun cleans one directory up if nobody holds it, and tells whether it
// was a dead run's.
func (l *LocalJob) sweepRun(ctx context.Context, path string) (Swept, bool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return Swept{}, false, nil
	}
	if _, err := os.Stat(filepath.Join(path, ".lock")); err != nil && time.Since(info.ModTime()) < time.Minute {
		return Swept{}, false, nil // another process is just making it
	}
	lock, err := flock.Try(filepath.Join(path, ".lock"))
	if errors.Is(err, flock.ErrHeld) || errors.Is(err, os.ErrNotExist) {
		return Swept{}, false, nil
	}
	if err != nil {
		return Swept{}, false, err
	}
	if _, err := os.Stat(path); err != nil {
		return Swept{}, false, lock.Unlock() // another sweep was faster
	}
	d := &runDir{path: path, name: filepath.Base(path), lock: lock}
	if d.record, err = readRunRecord(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		l.cfg.Log.Warn("run record is damaged", "run", d.name, "error", err)
	}
	d.link = d.record.Link
	s := Swept{Task: d.record.Task}
	if proc.Guarded(d.name) {
		s.Ending = true
		return s, true, lock.Unlock()
	}
	s.Processes = proc.KillMarked(d.name)
	if rec := d.record.State; rec != nil {
		if s.StateSaved, err = l.sweepState(ctx, d, rec); err != nil {
			return s, false, errors.Join(err, lock.Unlock())
		}
	}
	return s, true, l.sweepFiles(ctx, d)
}

// sweepFiles removes what a dead run has left here and there.
func (l *LocalJob) sweepFiles(ctx context.Context, d *runDir) error {
	var problems []error
	for _, pin := range d.record.Pins {
		problems = append(problems, l.cfg.Git.Release(ctx, pin.Mirror, pin.Pin))
	}
	if file := d.record.Override; file != "" {
		// The run may have died while it wrote.
		if text, err := os.ReadFile(file); err == nil && strings.HasPrefix(backendOverride, string(text)) {
			problems = append(problems, os.Remove(file))
		}
	}
	return errors.Join(append(problems, d.remove())...)
}

// sweepState saves what a dead run's Terraform wrote last. After an error the
// directory has to stay. What the store refuses for good, because another
// attempt has the task by now, is put aside.
func (l *LocalJob) sweepState(ctx context.Context, d *runDir, rec *stateRecord) (bool, error) {
	saved, err := l.saveState(ctx, d, rec)
	if !errors.Is(err, ErrLeaseLost) {
		return saved, err
	}
	k := &stateKeeper{dir: d, key: rec.Key, file: rec.File, refused: true}
	keep, aside := k.finish(ctx, rec.Work, l.cfg.RescueDir, d.name)
	if keep {
		return false, aside
	}
	l.cfg.Log.Warn("terraform state of a dead task is refused: another attempt has the task", "task_id", d.record.Task.TaskID, "attempt", d.record.Task.Attempt, "put_aside", aside)
	return false, nil
}

// saveState stores it.
func (l *LocalJob) saveState(ctx context.Context, d *runDir, rec *stateRecord) (bool, error) {
	unlock, err := l.cfg.States.Lock(ctx, rec.Key, d.record.Task)
	if err != nil {
		return false, fmt.Errorf("lock state of dead task %d: %w", d.record.Task.TaskID, err)
	}
	stored, err := l.cfg.States.Load(ctx, rec.Key)
	if err != nil {
		return false, errors.Join(err, unlock())
	}
	k := &stateKeeper{store: l.cfg.States, dir: d, key: rec.Key, file: rec.File, stored: stored}
	keep, err := k.finish(ctx, rec.Work, l.cfg.RescueDir, d.name)
	saved := k.stored.Serial != stored.Serial || k.stored.Lineage != stored.Lineage
	if keep {
		return saved, errors.Join(err, unlock())
	}
	if err != nil {
		l.cfg.Log.Error("terraform state of a dead task", "task_id", d.record.Task.TaskID, "error", err)
	}
	return saved, unlock()
}

// galaxyKeep is how long a replaced galaxy cache stays for tasks that use it.
const galaxyKeep = 7 * 24 * time.Hour

func (l *LocalJob) sweepGalaxy() error {
	var problems []error
	projects, err := os.ReadDir(l.dir)
	if err != nil {
		return nil // nothing has run yet
	}
	for _, project := range projects {
		cache := filepath.Join(l.dir, project.Name(), "galaxy")
		entries, err := os.ReadDir(cache)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			replaced := strings.Contains(entry.Name(), ".old-") || strings.HasPrefix(entry.Name(), ".new-")
			if info, err := entry.Info(); replaced && err == nil && l.cfg.Now().Sub(info.ModTime()) > galaxyKeep {
				problems = append(problems, removeAll(filepath.Join(cache, entry.Name())))
			}
		}
	}
	return errors.Join(problems...)
}
