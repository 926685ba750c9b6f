package job

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// terraformRun is the part of a run that the Terraform family needs.
type terraformRun struct {
	*run
	env       *environ
	work      string // directory of the configuration, by its stable path
	workspace string
	planFile  string
	varFile   string
	state     *stateKeeper // nil where the configuration or the directory keeps its own
}

// runTerraform plans, asks, and applies exactly what was planned; or resumes
// such a run from its bundle.
func (r *run) runTerraform() (err error) {
	t := &terraformRun{run: r, workspace: workspaceName(r.spec), planFile: r.dir.linked(dirSecret, "plan.out")}
	if r.spec.Resume {
		if err := t.unpackBundle(); err != nil {
			return err
		}
	}
	t.work = filepath.Join(r.checkout.root, filepath.FromSlash(r.spec.Playbook))
	r.checkout.work = t.work
	if err := t.prepare(); err != nil {
		return err
	}
	if err := t.keepState(); err != nil {
		return err
	}
	if r.spec.Resume {
		return t.resume()
	}
	mode := initPlain
	if t.spec.terraform().MigrateState {
		mode = initMigrate
	}
	if err := t.initialise(mode); err != nil {
		return err
	}
	if err := t.selectWorkspace(); err != nil {
		return err
	}
	changes, err := t.plan()
	if err != nil || !changes {
		return err
	}
	return t.decide()
}

func workspaceName(spec *Spec) string {
	if inv := spec.Inventory; inv != nil && strings.HasSuffix(string(inv.Type), "-workspace") {
		return inv.Text
	}
	return "default"
}

// prepare makes environment, keys, backend file and variable file.
func (t *terraformRun) prepare() error {
	dirs, err := t.dirs()
	if err != nil {
		return err
	}
	t.env = toolEnviron(t.spec, t.base, dirs, t.commit)
	if name := t.env.get("TF_WORKSPACE"); name != "" && name != t.workspace {
		return invalid("environment", "TF_WORKSPACE is %q and the task's workspace %q: choose the workspace by the inventory alone", name, t.workspace)
	}
	t.env.unset("TF_WORKSPACE")
	for name, value := range map[string]string{"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"} {
		if t.env.get(name) == "" {
			t.env.set(name, value)
		}
	}
	if t.env.get("TF_PLUGIN_CACHE_DIR") == "" {
		cache := filepath.Join(t.job.projectDir(t.spec), "plugins")
		if err := t.makeOwned(cache); err != nil {
			return err
		}
		t.env.set("TF_PLUGIN_CACHE_DIR", cache)
	}
	if err := t.offerKeys(t.env); err != nil {
		return err
	}
	if !t.spec.Resume {
		if err := t.writeBackend(); err != nil {
			return err
		}
		if err := t.writeVariables(); err != nil {
			return err
		}
	}
	return t.handOver()
}

// tf runs one command of the tool.
func (t *terraformRun) tf(args []string, onLine func(string)) error {
	return t.exec(command{
		path: t.tool.path, args: append(t.tool.args, args...), env: t.env.list(),
		dir: t.work, leader: true, onLine: onLine, keep: t.spec.Template.KeepBackground, proper: true,
	})
}

// migrationQuestions are what init says when it would ask whether to copy the
// state to a changed backend.
var migrationQuestions = []string{
	"Do you want to copy ",
	"Can't ask approval for state migration",
	"Backend configuration changed",
}

// initialise runs init. The plugin cache is filled by one task at a time.
func (t *terraformRun) initialise(mode initMode) error {
	t.status(Running, PhaseInit, t.spec.App+" init")
	lock, err := t.lockOn(filepath.Clean(t.env.get("TF_PLUGIN_CACHE_DIR")), "another task that fills the plugin cache")
	if err != nil {
		return fmt.Errorf("lock plugin cache: %w", err)
	}
	asked := false
	err = t.tf(tfInitArgs(t.spec, mode), func(line string) {
		for _, question := range migrationQuestions {
			asked = asked || strings.Contains(line, question)
		}
	})
	if unlockErr := lock.Unlock(); err == nil {
		err = unlockErr
	}
	if err == nil {
		return t.placeState(mode)
	}
	if !asked || mode != initPlain || exitCode(err) < 1 {
		return err
	}
	answer, askErr := t.ask(Prompt{Kind: AskMigrateState, Text: "The backend changed. Copy the state to the new one?"})
	switch {
	case askErr != nil:
		return askErr
	case answer == Approve:
		return t.initialise(initMigrate)
	case answer == Hold: // nothing is planned yet, so there is nothing to bundle
		return ErrHeld
	default:
		return fmt.Errorf("%w: the state was not migrated", ErrRejected)
	}
}

// selectWorkspace makes the workspace current. The default one needs nothing
// in a fresh directory, and some backends know no other.
func (t *terraformRun) selectWorkspace() error {
	current := "default"
	if b, err := os.ReadFile(filepath.Join(t.dataDir(), "environment")); err == nil {
		current = strings.TrimSpace(string(b))
	}
	if current == t.workspace {
		return nil
	}
	return t.tf(workspaceArgs(t.spec.App, t.workspace), nil)
}

// dataDir is Terraform's own directory in the configuration.
func (t *terraformRun) dataDir() string {
	dir := t.env.get("TF_DATA_DIR")
	switch {
	case dir == "":
		return filepath.Join(t.work, ".terraform")
	case filepath.IsAbs(dir):
		return dir
	default:
		return filepath.Join(t.work, dir)
	}
}

// plan runs plan and tells whether there is something to apply.
func (t *terraformRun) plan() (bool, error) {
	t.status(Running, PhasePlan, t.spec.App+" plan")
	args, moved := planArgs(t.spec, t.planFile, t.varFile)
	if len(moved) > 0 {
		t.out.System("given for apply, used for plan, because exactly the plan is applied: %s", strings.Join(moved, " "))
	}
	err := t.tf(args, nil)
	if err == nil {
		return false, t.report(PlanSummary{Changes: []PlanChange{}})
	}
	if exitCode(err) != 2 {
		return false, err
	}
	if err := t.protectPlan(); err != nil {
		return false, fmt.Errorf("protect plan: %w", err)
	}
	summary, err := t.showPlan()
	if err != nil {
		return false, err
	}
	t.summary = summary
	return true, t.report(summary)
}

func (t *terraformRun) protectPlan() error {
	root, rel, err := t.dir.inside(t.planFile)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Chmod(rel, 0o600)
}

func (t *terraformRun) report(summary PlanSummary) error {
	if err := t.out.do(func(ctx context.Context, s Sink) error { return s.Plan(ctx, summary) }); err != nil {
		return fmt.Errorf("report plan: %w", err)
	}
	return nil
}

// showPlan reads the plan as JSON, which holds secrets and is not kept.
func (t *terraformRun) showPlan() (PlanSummary, error) {
	args := terraformTail(t.spec.App, []string{"show", "-json", t.planFile})
	out, err := t.capture(command{path: t.tool.path, args: append(t.tool.args, args...), env: t.env.list(), dir: t.work, leader: true})
	if err != nil {
		return PlanSummary{}, fmt.Errorf("read plan: %w", err)
	}
	return parsePlan(out)
}

// apply applies exactly the saved plan, the state being saved while it runs.
func (t *terraformRun) apply() error {
	t.status(Running, PhaseApply, t.spec.App+" apply")
	stopWatch := t.watchState()
	err := t.tf(applyArgs(t.spec, t.planFile), nil)
	stopWatch()
	if err == nil {
		err = t.requireState()
	}
	if t.killed {
		t.out.System("%s was killed while it applied: its state may be incomplete", t.spec.App)
		t.reportLocks()
	}
	return err
}

// reportLocks names lock files that a killed Terraform left.
func (t *terraformRun) reportLocks() {
	var found []string
	_ = filepath.WalkDir(t.work, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		if strings.HasSuffix(entry.Name(), ".tfstate.lock.info") {
			if rel, err := filepath.Rel(t.work, path); err == nil {
				found = append(found, rel)
			}
		}
		return nil
	})
	if len(found) == 0 {
		t.out.System("no lock file was left; a lock in a remote backend may remain")
		return
	}
	t.out.System("left locked: %s; release it with force-unlock once nothing uses the state", strings.Join(found, ", "))
}
