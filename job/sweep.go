package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore/job/internal/flock"
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
// is held are alive and left alone. Call it when a program starts, before its
// first Run.
func (l *LocalJob) Sweep(ctx context.Context) ([]Swept, error) {
	root := filepath.Join(l.dir, "run")
	entries, err := os.ReadDir(root)
	if errors.Is(err, os.ErrNotExist) {
		entries, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	var swept []Swept
	var problems []error
	for _, entry := range entries {
		if ctx.Err() != nil {
			return swept, errors.Join(append(problems, context.Cause(ctx))...)
		}
		s, ok, err := l.sweepRun(ctx, filepath.Join(root, entry.Name()))
		if ok {
			swept = append(swept, s)
		}
		problems = append(problems, err)
	}
	if d, ok := l.cfg.States.(DirStates); ok {
		problems = append(problems, d.releaseDead(swept))
	}
	problems = append(problems, l.sweepGalaxy())
	if err := errors.Join(problems...); err != nil {
		return swept, fmt.Errorf("sweep: %w", err)
	}
	return swept, nil
}

// sweepRun cleans one directory up if nobody holds it.
func (l *LocalJob) sweepRun(ctx context.Context, path string) (Swept, bool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return Swept{}, false, nil
	}
	if _, err := os.Stat(filepath.Join(path, ".lock")); err != nil && time.Since(info.ModTime()) < time.Minute {
		return Swept{}, false, nil // another process is just making it
	}
	lock, err := flock.Try(filepath.Join(path, ".lock"))
	if errors.Is(err, flock.ErrHeld) {
		return Swept{}, false, nil
	}
	if err != nil {
		return Swept{}, false, err
	}
	d := &runDir{path: path, name: filepath.Base(path), lock: lock}
	if text, err := os.ReadFile(d.file("run.json")); err == nil {
		if err := json.Unmarshal(text, &d.record); err != nil {
			l.cfg.Log.Warn("run record is damaged", "run", d.name, "error", err)
		}
	}
	d.link = d.record.Link
	if proc.Guarded(d.name) {
		return Swept{Task: d.record.Task, Ending: true}, true, lock.Unlock()
	}
	s := Swept{Task: d.record.Task, Processes: proc.KillMarked(d.name)}
	var problems []error
	if rec := d.record.State; rec != nil {
		s.StateSaved, err = l.sweepState(ctx, d, rec)
		problems = append(problems, err)
	}
	if d.record.Mirror != "" {
		problems = append(problems, l.cfg.Git.Release(ctx, d.record.Mirror, d.record.Pin))
	}
	problems = append(problems, d.remove())
	return s, true, errors.Join(problems...)
}

// sweepState saves what a dead run's Terraform wrote last.
func (l *LocalJob) sweepState(ctx context.Context, d *runDir, rec *stateRecord) (bool, error) {
	unlock, err := l.cfg.States.Lock(ctx, rec.Key, d.record.Task)
	if err != nil {
		return false, fmt.Errorf("lock state of dead task %d: %w", d.record.Task.TaskID, err)
	}
	stored, err := l.cfg.States.Load(ctx, rec.Key)
	if err != nil {
		return false, errors.Join(err, unlock())
	}
	k := &stateKeeper{store: l.cfg.States, dir: d, key: rec.Key, file: rec.File, stored: stored}
	err = k.finish(ctx, rec.Work, l.rescueDir(), d.name)
	return k.stored.Serial != stored.Serial || k.stored.Lineage != stored.Lineage, errors.Join(err, unlock())
}

// galaxyKeep is how long a replaced galaxy cache stays for tasks that use it.
const galaxyKeep = 7 * 24 * time.Hour

func (l *LocalJob) sweepGalaxy() error {
	var problems []error
	for _, pattern := range []string{"*.old-*", ".new-*"} {
		dirs, err := filepath.Glob(filepath.Join(l.dir, "project_*", "galaxy", pattern))
		problems = append(problems, err)
		for _, dir := range dirs {
			if info, err := os.Stat(dir); err == nil && l.cfg.Now().Sub(info.ModTime()) > galaxyKeep {
				problems = append(problems, removeAll(dir))
			}
		}
	}
	return errors.Join(problems...)
}
