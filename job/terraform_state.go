package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// stateKeeper carries Terraform's local state in and out of a workspace that
// will be deleted.
type stateKeeper struct {
	store  StateStore
	dir    *runDir
	key    StateKey
	file   string // where Terraform has it; "" until init has told that it is local
	mu     sync.Mutex
	stored TerraformState // what the store has
	unlock func() error

	refused bool // the store takes nothing of this task any more
}

// stateRecord is what a sweep must know to save the state of a dead run.
type stateRecord struct {
	Key  StateKey `json:"key"`
	Work string   `json:"work"`           // directory of the configuration
	File string   `json:"file,omitempty"` // state file, once known to be local
}

// stateTimeout bounds one call of the store.
const stateTimeout = 30 * time.Second

// keepState locks the state of a run whose directory will be deleted. Kept and
// local directories have files of their own.
func (t *terraformRun) keepState() error {
	if t.checkout.inPlace || t.checkout.kept {
		return nil
	}
	key := StateKey{ProjectID: t.spec.Task.ProjectID, TemplateID: t.spec.Template.ID, Workspace: t.workspace}
	if err := t.storeLeftovers(key); err != nil {
		return err
	}
	unlock, err := t.job.cfg.States.Lock(t.ctx, key, t.dir.record.Task)
	if err != nil {
		return fmt.Errorf("lock terraform state: %w", err)
	}
	t.state = &stateKeeper{store: t.job.cfg.States, dir: t.dir, key: key, unlock: unlock}
	t.atEnd(t.closeState)
	t.dir.record.State = &stateRecord{Key: key, Work: t.work}
	return t.dir.save()
}

// placeState puts the stored state where Terraform looks for it, once init has
// told that the configuration has no backend of its own.
func (t *terraformRun) placeState(mode initMode) error {
	if t.state == nil || t.state.file != "" {
		return nil
	}
	record, err := t.backendRecord()
	if err != nil {
		return err
	}
	file, local, err := localStateFile(record, t.work, t.dir.link, t.workspace)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.ctx, stateTimeout)
	defer cancel()
	stored, err := t.state.store.Load(ctx, t.state.key)
	if err != nil {
		return fmt.Errorf("load terraform state: %w", err)
	}
	if !local {
		// At an address of ours it is the same state, reached another way.
		if len(stored.Data) > 0 && t.spec.terraform().BackendAddress == "" {
			t.out.System("warning: the configuration now has a backend; the state kept for it so far (serial %d) is not used", stored.Serial)
		}
		return nil
	}
	if err := t.checkStateArgs(); err != nil {
		return err
	}
	if len(stored.Data) == 0 {
		if stored, err = t.importOldState(ctx); err != nil {
			return err
		}
	}
	t.state.file, t.state.stored = file, stored
	t.dir.record.State.File = file
	if err := t.dir.save(); err != nil || len(stored.Data) == 0 {
		return err
	}
	if err := t.dir.writeFile(file, stored.Data); err != nil {
		return fmt.Errorf("place terraform state: %w", err)
	}
	if err := t.ownState(file); err != nil {
		return err
	}
	if mode != initReadonly && providersMissing(stored.Data, t.dataDir()) {
		return t.initialise(mode) // the state may need providers that the configuration no longer names
	}
	return nil
}

// ownState gives the state file, and the directories made for it, to the
// identity of the tools.
func (t *terraformRun) ownState(file string) error {
	p := t.job.cfg.Process
	if p.UID == 0 {
		return nil
	}
	root, rel, err := t.dir.inside(file)
	if err != nil {
		return err
	}
	defer root.Close()
	for path := rel; path != "."; path = filepath.Dir(path) {
		if err := root.Lchown(path, p.UID, p.GID); err != nil {
			return fmt.Errorf("give the state to the task's user: %w", err)
		}
	}
	return nil
}

// backendRecord is what init wrote about the backend; nothing for a plain local
// state.
func (t *terraformRun) backendRecord() ([]byte, error) {
	file := filepath.Join(t.dataDir(), "terraform.tfstate")
	text, err := t.dir.readFile(file)
	if err != nil && filepath.IsAbs(t.env.get("TF_DATA_DIR")) {
		text, err = os.ReadFile(file)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read terraform's backend record: %w", err)
	}
	return text, nil
}

// importOldState takes over, once, what a persistent checkout of the template
// holds. The old file is only read.
func (t *terraformRun) importOldState(ctx context.Context) (TerraformState, error) {
	old := filepath.Join(t.job.projectDir(t.spec), fmt.Sprintf("repository_%d_template_%d", t.spec.Repository.ID, t.spec.Template.ID), filepath.FromSlash(t.spec.Playbook))
	file := filepath.Join(old, "terraform.tfstate")
	if t.workspace != "default" {
		file = filepath.Join(old, "terraform.tfstate.d", t.workspace, "terraform.tfstate")
	}
	text, err := os.ReadFile(file)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return TerraformState{}, nil
	}
	lock := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".lock.info")
	if _, err := os.Stat(lock); err == nil {
		return TerraformState{}, fmt.Errorf("the old checkout's terraform state is locked: see that nothing uses it, then remove its lock file %s", filepath.Base(lock))
	}
	state, ok := parseState(text)
	if !ok {
		return TerraformState{}, errors.New("the old checkout's terraform state does not parse: repair or remove it")
	}
	if err := t.state.store.Save(ctx, t.state.key, TerraformState{}, state); err != nil {
		return TerraformState{}, fmt.Errorf("take over old terraform state: %w", err)
	}
	t.out.System("took over the terraform state of the old checkout (serial %d)", state.Serial)
	return state, nil
}

// watchState saves the state while Terraform writes it, four times a second,
// until the returned function is called.
func (t *terraformRun) watchState() (stop func()) {
	if t.state == nil || t.state.file == "" {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		var seen os.FileInfo
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				info, err := os.Stat(t.state.file)
				if err != nil || seen != nil && info.Size() == seen.Size() && info.ModTime().Equal(seen.ModTime()) {
					continue
				}
				if err := t.state.save(t.ctx, t.state.file); err != nil {
					t.job.cfg.Log.Warn("save terraform state", "task_id", t.spec.Task.ID, "error", err)
					continue
				}
				seen = info
			}
		}
	}()
	return func() {
		close(done)
		<-gone
	}
}

// save stores the file's state if it parses and is newer than what is stored.
func (k *stateKeeper) save(parent context.Context, file string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := k.dir.readFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read terraform state: %w", err)
	}
	next, ok := parseState(text)
	if !ok || next.Lineage == k.stored.Lineage && next.Serial <= k.stored.Serial {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), stateTimeout)
	defer cancel()
	if err := k.store.Save(ctx, k.key, k.stored, next); err != nil {
		return fmt.Errorf("save terraform state: %w", err)
	}
	k.stored = next
	return nil
}

// stateOptions are arguments that would put the state where nobody keeps it.
var stateOptions = []string{"-state", "-state-out", "--state", "--state-out"}

// checkStateArgs refuses them for a state that is kept here.
func (t *terraformRun) checkStateArgs() error {
	args := append(t.spec.stageArgs(StagePlan), t.spec.stageArgs(StageApply)...)
	for _, name := range t.env.names {
		if strings.HasPrefix(name, "TF_CLI_ARGS") {
			args = append(args, strings.Fields(t.env.get(name))...)
		}
	}
	for _, arg := range args {
		if name, _, _ := strings.Cut(arg, "="); slices.Contains(stateOptions, name) {
			return invalid("template_args", "%s would hide the state, which is kept for the next run: leave it out, or configure a backend", name)
		}
	}
	return nil
}

// requireState makes sure that an apply wrote the state where it is kept.
func (t *terraformRun) requireState() error {
	if t.state == nil || t.state.file == "" {
		return nil
	}
	text, err := t.dir.readFile(t.state.file)
	if _, parses := parseState(text); err != nil || !parses {
		return errors.New("apply ended well but wrote no state where it is kept: nothing of it will be known to the next run")
	}
	return nil
}
