package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// closeState makes the last copy before the workspace goes, and unlocks. A
// state that could not be stored keeps the run's directory, from which a sweep
// or the next run of the same state stores it.
func (t *terraformRun) closeState() error {
	keep, err := t.state.finish(t.ctx, t.work, t.job.cfg.RescueDir, t.dir.name)
	if keep {
		t.dir.keep = true
	}
	if err != nil {
		t.stateErr = err
	}
	return t.state.unlock()
}

// finish stores the final state, and what Terraform could not write where it
// should. What no store can take is put aside. It tells whether the directory
// holds the only copy and has to stay.
func (k *stateKeeper) finish(ctx context.Context, work, rescue, name string) (keep bool, err error) {
	files := []string{filepath.Join(work, "errored.tfstate")}
	if k.file != "" {
		files = append([]string{k.file}, files...)
	}
	var problems []error
	for _, file := range files {
		text, err := k.dir.readFile(file)
		if errors.Is(err, os.ErrNotExist) || err == nil && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if err == nil {
			var done bool
			if done, err = k.finishFile(ctx, file, text, rescue, name); done && err == nil {
				continue
			} else if done {
				problems = append(problems, err)
				continue
			}
		}
		keep = true
		problems = append(problems, fmt.Errorf("terraform's state was not stored, its run directory is kept for the next try: %w", err))
	}
	return keep, errors.Join(problems...)
}

// finishFile stores one file, or puts it aside where the store cannot take it.
// It tells whether another copy exists now.
func (k *stateKeeper) finishFile(ctx context.Context, file string, text []byte, rescue, name string) (done bool, err error) {
	if k.file != "" && !k.refused {
		err := k.save(ctx, file)
		if _, parses := parseState(text); parses && err == nil {
			return true, nil
		}
		if err != nil && !errors.Is(err, ErrStateConflict) {
			return false, err
		}
	}
	aside := filepath.Join(rescue, name+"-"+filepath.Base(file))
	if err := os.MkdirAll(rescue, 0o700); err != nil {
		return false, fmt.Errorf("put state aside: %w", err)
	}
	if err := writeFileAtomic(aside, text, 0o600); err != nil {
		return false, fmt.Errorf("put state aside: %w", err)
	}
	return true, fmt.Errorf("a terraform state that no store could take was put aside as %s", filepath.Join(filepath.Base(rescue), filepath.Base(aside)))
}

// storeLeftovers stores what earlier runs of the same state could not, before
// this one begins: it must not plan on an older state.
func (t *terraformRun) storeLeftovers(key StateKey) error {
	for _, path := range t.job.runDirs() {
		record, err := readRunRecord(path)
		if path == t.dir.path || err != nil || record.State == nil || record.State.Key != key {
			continue
		}
		swept, ok, err := t.job.sweepRun(t.ctx, path)
		if err != nil {
			return fmt.Errorf("task %d left a terraform state that is not stored yet: %w", record.Task.TaskID, err)
		}
		if ok && swept.StateSaved {
			t.out.System("stored the terraform state that task %d had left", record.Task.TaskID)
		}
	}
	return nil
}
