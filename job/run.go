package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/alexandervashurin/semaphore/job/internal/mask"
	"github.com/alexandervashurin/semaphore/job/internal/sshagent"
)

// run is one task on its way. It lives for one call of LocalJob.Run, whose
// context it carries: every step needs it, and the run may cancel it.
type run struct {
	job    *LocalJob
	ctx    context.Context // ends when the task is to stop
	cancel context.CancelCauseFunc
	spec   *Spec
	sink   Sink
	tool   tool
	dir    *runDir
	out    *output
	clock  *clock
	masker *mask.Masker

	checkout checkout
	commit   Commit
	base     *environ
	agent    *sshagent.Agent
	cleanup  []func() error

	stopOnce sync.Once
	stateMu  sync.Mutex
	state    State // last reported
	killed   bool
	stateErr error  // why Terraform's state is not stored
	version  string // of Ansible, once asked
	summary  PlanSummary
}

// newRun makes the run's directory and its log.
func (l *LocalJob) newRun(parent context.Context, spec *Spec, sink Sink, t tool) (*run, error) {
	dir, err := newRunDir(filepath.Join(l.dir, "run"), l.cfg.LinkDir, TaskRef{TaskID: spec.Task.ID, Attempt: spec.Task.Attempt})
	if err != nil {
		return nil, err
	}
	masker, short := mask.New(secretValues(spec))
	ctx, cancel := context.WithCancelCause(parent)
	r := &run{
		job: l, ctx: ctx, cancel: cancel, spec: spec, sink: sink, tool: t, dir: dir, masker: masker,
		base: baseEnviron(l.cfg, os.LookupEnv),
	}
	r.out = newOutput(ctx, sink, masker, outputOptions{Quota: spec.Limits.LogQuota, Now: l.cfg.Now})
	r.clock = newClock(spec.Limits.Timeout, cancel)
	if len(short) > 0 {
		r.out.System("too short to be masked in the output: %s", strings.Join(short, ", "))
	}
	if spec.HostKeys.Policy == HostKeysOff || spec.HostKeys.Policy == "" {
		l.cfg.Log.Debug("host keys are not checked", "task_id", spec.Task.ID)
	}
	return r, nil
}

// work does the task, step by step.
func (r *run) work() error {
	r.status(Starting, PhasePrepare, "preparing")
	if err := r.prepareCheckout(); err != nil {
		return r.stoppedOr(err)
	}
	var err error
	switch r.tool.family {
	case familyAnsible:
		err = r.runAnsible()
	case familyTerraform:
		err = r.runTerraform()
	default:
		err = r.runScript()
	}
	return r.stoppedOr(err)
}

// stoppedOr returns the cause of the stop where there was one: what a step said
// while it was being stopped does not matter.
func (r *run) stoppedOr(err error) error {
	if err != nil && r.ctx.Err() != nil && !errors.Is(err, ErrHeld) {
		return stopCause(r.ctx)
	}
	return err
}

// close ends the run: what was learned is told, what was made is removed, and
// the last lines are handed over.
func (r *run) close(err error) error {
	r.clock.pause()
	r.status("", PhaseFinish, "cleaning up")
	var problems []error
	for i := len(r.cleanup) - 1; i >= 0; i-- {
		if cerr := r.cleanup[i](); cerr != nil {
			problems = append(problems, cerr)
			r.out.System("%v", cerr)
		}
	}
	if r.agent != nil {
		problems = append(problems, r.agent.Close())
	}
	if err != nil && !errors.Is(err, ErrHeld) {
		r.out.System("%v", err)
	}
	if r.stateErr != nil {
		r.out.System("%v", r.stateErr)
		if err == nil {
			err = r.stateErr
		}
	}
	outErr := r.out.Close()
	problems = append(problems, r.dir.end())
	r.cancel(nil)
	if failed := errors.Join(problems...); failed != nil {
		r.job.cfg.Log.Error("clean up after task", "task_id", r.spec.Task.ID, "error", failed)
	}
	if err == nil && outErr != nil {
		return fmt.Errorf("hand over output: %w", outErr)
	}
	return err
}

// atEnd registers work for the end of the run; the last registered goes first.
func (r *run) atEnd(f func() error) { r.cleanup = append(r.cleanup, f) }

// status tells the sink where the run is; an empty state stays what it was. A
// sink that does not take it does not stop the run.
func (r *run) status(s State, p Phase, text string) {
	r.stateMu.Lock()
	if s == "" || r.state == Stopping {
		s = r.state
	}
	r.state = s
	r.stateMu.Unlock()
	err := r.out.do(func(ctx context.Context, sink Sink) error {
		return sink.Status(ctx, Status{State: s, Phase: p, Text: text})
	})
	if err != nil {
		r.job.cfg.Log.Warn("report status", "task_id", r.spec.Task.ID, "error", err)
	}
}

// secretValues lists every secret text of a Spec with the name it goes by.
func secretValues(spec *Spec) []mask.Value {
	var values []mask.Value
	add := func(name string, s Secret) {
		if !s.Empty() {
			values = append(values, mask.Value{Name: name, Text: s.Reveal()})
		}
	}
	key := func(what string, k *Key) {
		if k != nil {
			add(what+" password", k.Password)
			add(what+" private key", k.PrivateKey)
			add(what+" passphrase", k.Passphrase)
		}
	}
	key("repository key", spec.Repository.Key)
	if inv := spec.Inventory; inv != nil {
		key("inventory key", inv.UserKey)
		key("become key", inv.BecomeKey)
		if inv.Repository != nil {
			key("inventory repository key", inv.Repository.Key)
		}
	}
	for _, s := range spec.Secrets {
		add(s.Name, s.Value)
	}
	for _, name := range sortedKeys(spec.Survey) {
		add(name, spec.Survey[name])
	}
	if o := spec.Terraform; o != nil { // who has it reads the state
		add("address of the state", NewSecret(o.BackendAddress))
	}
	for _, v := range spec.Vaults {
		add("vault password "+v.name(), v.Password)
	}
	return values
}

// dirs are the directories of the tool's environment.
func (r *run) dirs() (toolDirs, error) {
	persistent := r.job.templateHome(r.spec)
	d := toolDirs{
		home:        r.base.get("HOME"),
		work:        r.checkout.work,
		temp:        r.dir.linked(dirTemp),
		cache:       filepath.Join(persistent, "cache"),
		localTemp:   r.dir.linked(dirTemp, "ansible"),
		controlPath: r.dir.linked(dirControl),
	}
	if d.home == "" {
		d.home, _ = os.UserHomeDir()
	}
	switch r.job.cfg.HomeMode {
	case HomeTemplate:
		d.ansibleHome = filepath.Join(persistent, ".ansible")
	case HomeProject:
		d.home = r.job.projectDir(r.spec)
	case HomeIsolated:
		d.home = r.dir.linked(dirHome)
	case HomeUser:
	}
	for _, dir := range []string{d.cache, d.ansibleHome, d.home} {
		if dir == "" || dir == r.base.get("HOME") {
			continue
		}
		if err := r.makeOwned(dir); err != nil {
			return d, err
		}
	}
	return d, nil
}

// own gives a path to the identity that tools run under.
func (r *run) own(path string, recursive bool) error {
	p := r.job.cfg.Process
	if p.UID == 0 {
		return nil
	}
	chown := func(path string) error {
		if err := os.Lchown(path, p.UID, p.GID); err != nil {
			return fmt.Errorf("give files to the task's user: %w", err)
		}
		return nil
	}
	if !recursive {
		return chown(path)
	}
	return filepath.WalkDir(path, func(p string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return chown(p)
	})
}

// makeOwned makes a directory of the job that tools may write: it belongs to
// their identity, which gets through the directories above without seeing what
// else is there.
func (r *run) makeOwned(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory for the task: %w", err)
	}
	if r.job.cfg.Process.UID == 0 {
		return nil
	}
	for parent := filepath.Dir(dir); len(parent) >= len(r.job.dir); parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o711); err != nil {
			return fmt.Errorf("open directory for the task: %w", err)
		}
	}
	return r.own(dir, false)
}

// handOver gives the run's directory to the identity of the tools, just before
// the first of them starts.
func (r *run) handOver() error {
	if r.job.cfg.Process.UID == 0 {
		return nil
	}
	if err := os.Chmod(filepath.Join(r.job.dir, "run"), 0o711); err != nil {
		return fmt.Errorf("open run directories: %w", err)
	}
	if err := os.Chmod(r.job.dir, 0o711); err != nil {
		return fmt.Errorf("open job directory: %w", err)
	}
	return r.own(r.dir.path, true)
}

func (l *LocalJob) projectDir(spec *Spec) string {
	return filepath.Join(l.dir, fmt.Sprintf("project_%d", spec.Task.ProjectID))
}

// templateHome is the directory that outlives the runs of a template.
func (l *LocalJob) templateHome(spec *Spec) string {
	return filepath.Join(l.projectDir(spec), fmt.Sprintf("repository_%d_template_%d_home", spec.Repository.ID, spec.Template.ID))
}
