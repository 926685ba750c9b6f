package pool

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// freezer turns a request and its template into a task and its snapshot. It
// lives for one launch.
type freezer struct {
	pool *TaskPool
	st   store.Store
	req  AddRequest
	tpl  store.Template

	project store.Project
	env     store.Environment
	task    store.Task
	snap    Snapshot
	secret  map[string]string // secret survey values
	sealed  []byte
}

func (f *freezer) run(ctx context.Context) error {
	f.snap = Snapshot{Version: snapshotVersion, Spec: job.Spec{Version: job.SpecVersion, App: f.tpl.App}}
	steps := []func(context.Context) error{
		f.loadProject, f.freezeTemplate, f.freezeRepository, f.freezeInventory, f.freezeEnvironment,
		f.freezeVariables, f.freezeSecrets, f.freezeArguments, f.freezeParams, f.freezeVaults, f.freezeBuild,
		f.freezeUser, f.freezeHostKeys,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return f.snap.Spec.Validate() // keys and passwords are not in it
}

func (f *freezer) loadProject(ctx context.Context) error {
	var err error
	if f.project, err = f.st.Projects().Get(ctx, 0, f.tpl.ProjectID); err != nil {
		return fmt.Errorf("project %d: %w", f.tpl.ProjectID, err)
	}
	if check := f.pool.cfg.CheckApp; check != nil {
		if err := check(ctx, f.st, f.tpl.App); err != nil {
			return refuse("app", "%v", err)
		}
	}
	return nil
}

func (f *freezer) freezeTemplate(context.Context) error {
	t, o := f.tpl, f.tpl.Options
	spec := &f.snap.Spec
	spec.Template = job.Template{
		ID: t.ID, Name: t.Name, AllowOverrideArgs: true, AllowParallel: t.AllowParallelTasks,
		KeepBackground: o.KeepBackground, SecretArgs: o.SecretArgs, Workspace: job.Workspace(o.Workspace),
	}
	spec.Limits = job.Limits{
		Timeout:   shortest(seconds(o.TimeoutSeconds), seconds(f.project.MaxSeconds), f.pool.cfg.MaxDuration),
		StopGrace: seconds(o.StopGraceSeconds), LogQuota: o.LogQuota,
	}
	f.snap.ConfirmSeconds = o.ConfirmSeconds
	spec.Playbook = t.Playbook
	if own := f.req.Task.Playbook; own != "" && own != t.Playbook {
		if t.App != "ansible" {
			return refuse("playbook", "only tasks of the app ansible choose their playbook: leave it out")
		}
		spec.Playbook = own
	}
	return nil
}

func seconds(n int) time.Duration { return time.Duration(max(n, 0)) * time.Second }

// shortest is the shortest of the given times that are set.
func shortest(times ...time.Duration) time.Duration {
	var least time.Duration
	for _, d := range times {
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}

func (f *freezer) freezeRepository(ctx context.Context) error {
	repo, err := f.repository(ctx, f.tpl.RepositoryID)
	if err != nil {
		return err
	}
	branch := repo.GitBranch
	if b := f.tpl.GitBranch; b != nil && *b != "" {
		branch = *b
	}
	if own := f.req.Task.GitBranch; own != nil && *own != "" && *own != branch {
		if !f.tpl.AllowOverrideBranch && !f.req.By.Saved {
			return refuse("git_branch", "the template does not let tasks choose the branch: set allow_override_branch_in_task, or leave it out")
		}
		branch = *own
	}
	spec := &f.snap.Spec.Repository
	*spec = f.jobRepository(repo, branch)
	if hash := f.req.Task.CommitHash; hash != nil {
		spec.Commit = *hash
	}
	f.snap.RepositoryKey = repo.SSHKeyID
	f.snap.InPlace = filepath.IsAbs(repo.GitURL) && spec.Branch == "" && spec.Commit == ""
	return nil
}

// jobRepository is a repository as a run sees it. A local path is used in place
// unless a branch is asked for that is not the repository's own setting.
func (f *freezer) jobRepository(repo store.Repository, branch string) job.Repository {
	if filepath.IsAbs(repo.GitURL) && branch == repo.GitBranch {
		branch = ""
	}
	submodules := f.tpl.Options.Submodules
	return job.Repository{
		ID: repo.ID, Name: repo.Name, URL: repo.GitURL, Branch: branch,
		Submodules: submodules == nil || *submodules, Depth: f.tpl.Options.Depth,
	}
}

func (f *freezer) repository(ctx context.Context, id int64) (store.Repository, error) {
	repo, err := f.st.Repositories().Get(ctx, f.tpl.ProjectID, id)
	if err != nil {
		return repo, fmt.Errorf("repository %d: %w", id, err)
	}
	return repo, nil
}

func (f *freezer) freezeInventory(ctx context.Context) error {
	id := f.tpl.InventoryID
	if own := f.req.Task.InventoryID; own != nil && *own != 0 && (id == nil || *own != *id) {
		allowed, err := f.allows("allow_override_inventory")
		if err != nil {
			return err
		}
		if !allowed && !f.req.By.Saved {
			return refuse("inventory_id", "the template does not let tasks choose the inventory: set allow_override_inventory, or leave it out")
		}
		id = own
	}
	if id == nil {
		if f.tpl.App == "ansible" {
			return refuse("inventory_id", "the template has no inventory: choose one, a task never falls back to other hosts")
		}
		f.task.InventoryID = nil
		return nil
	}
	inv, err := f.st.Inventories().Get(ctx, f.tpl.ProjectID, *id)
	if errors.Is(err, store.ErrNotFound) {
		return refuse("inventory_id", "there is no inventory %d in this project", *id)
	}
	if err != nil {
		return fmt.Errorf("inventory %d: %w", *id, err)
	}
	f.task.InventoryID = &inv.ID
	return f.useInventory(ctx, inv)
}

func (f *freezer) useInventory(ctx context.Context, inv store.Inventory) error {
	workspace := strings.HasSuffix(string(inv.Type), "-workspace")
	if isTerraform(f.tpl.App) && !workspace {
		return refuse("inventory_id", "inventory %q is of type %s: %s needs a workspace", inv.Name, inv.Type, f.tpl.App)
	}
	spec := &job.Inventory{ID: inv.ID, Name: inv.Name, Type: job.InventoryType(inv.Type), Text: inv.Inventory}
	if inv.SSHKeyID != nil {
		f.snap.UserKey = *inv.SSHKeyID
	}
	if inv.BecomeKeyID != nil {
		f.snap.BecomeKey = *inv.BecomeKeyID
	}
	if inv.RepositoryID != nil && inv.Type == store.InventoryFile {
		repo, err := f.repository(ctx, *inv.RepositoryID)
		if err != nil {
			return err
		}
		r := f.jobRepository(repo, repo.GitBranch)
		spec.Repository = &r
		f.snap.InventoryRepoKey = repo.SSHKeyID
	}
	f.snap.Spec.Inventory = spec
	f.snap.Spec.HostKeys.Policy = job.HostKeyPolicy(inv.HostKeys)
	if inv.RunnerTag != nil {
		f.task.RunnerTag = *inv.RunnerTag
	}
	return nil
}

func isTerraform(app string) bool {
	return app == "terraform" || app == "tofu" || app == "terragrunt"
}

// freezeEnvironment reads the variable group and names its secrets.
func (f *freezer) freezeEnvironment(ctx context.Context) error {
	if f.tpl.RunnerTag != nil && *f.tpl.RunnerTag != "" {
		f.task.RunnerTag = *f.tpl.RunnerTag
	}
	f.snap.Spec.Variables = map[string]any{}
	if f.tpl.EnvironmentID == nil {
		return nil
	}
	env, err := f.st.Environments().Get(ctx, f.tpl.ProjectID, *f.tpl.EnvironmentID)
	if err != nil {
		return fmt.Errorf("variable group %d: %w", *f.tpl.EnvironmentID, err)
	}
	f.env = env
	if f.snap.Spec.Variables, err = job.ParseVariables(env.JSON); err != nil {
		return refuse("environment", "variable group %q: %v", env.Name, err)
	}
	if env.Env != nil {
		if f.snap.Spec.Environment, err = job.ParseEnvironment(*env.Env); err != nil {
			return refuse("environment", "variable group %q: %v", env.Name, err)
		}
	}
	keys, err := f.st.Keys().List(ctx, f.tpl.ProjectID, store.Query{Where: map[string]any{"environment_id": env.ID}, Limit: -1})
	if err != nil {
		return fmt.Errorf("secrets of variable group %d: %w", env.ID, err)
	}
	for _, key := range keys.Items {
		kind := job.SecretExt
		if key.Owner == store.OwnerEnvironment {
			kind = job.SecretEnv
		}
		f.snap.Secrets = append(f.snap.Secrets, SecretRef{Name: key.Name, Kind: kind, KeyID: key.ID})
	}
	return nil
}

func (f *freezer) freezeVaults(ctx context.Context) error {
	if f.tpl.App != "ansible" {
		return nil
	}
	vaults, err := f.st.Templates().Vaults().List(ctx, f.tpl.ProjectID, store.Query{Where: map[string]any{"template_id": f.tpl.ID}, Limit: -1})
	if err != nil {
		return fmt.Errorf("vaults of template %d: %w", f.tpl.ID, err)
	}
	for _, v := range vaults.Items {
		ref := VaultRef{}
		if v.Name != nil {
			ref.Name = *v.Name
		}
		switch {
		case v.Type == "script" && v.Script != nil:
			ref.Script = *v.Script
		case v.VaultKeyID != nil:
			ref.KeyID = *v.VaultKeyID
		default:
			return refuse("vaults", "vault %q has neither key nor script: choose one in the template", ref.Name)
		}
		f.snap.Vaults = append(f.snap.Vaults, ref)
	}
	return nil
}

func (f *freezer) freezeUser(ctx context.Context) error {
	t := &f.snap.Spec.Task
	t.ProjectID, t.Message, t.Username = f.tpl.ProjectID, f.task.Message, f.req.By.Username
	if t.Username == "" && f.req.By.UserID != 0 {
		user, err := f.st.Users().Get(ctx, 0, f.req.By.UserID)
		if err != nil {
			return fmt.Errorf("user %d: %w", f.req.By.UserID, err)
		}
		t.Username = user.Username
	}
	return nil
}

func (f *freezer) freezeHostKeys(context.Context) error {
	keys := &f.snap.Spec.HostKeys
	if keys.Policy == "" {
		keys.Policy = job.HostKeyPolicy(f.project.HostKeys)
	}
	return nil
}
