package pool_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// launching is an idle pool with what templates of the tables refer to.
type launching struct {
	*pooltest.Pool
	t      *testing.T
	other  store.Inventory // beside the template's
	abroad store.Inventory // of another project
	group  store.Environment
}

func setupLaunch(t *testing.T) *launching {
	t.Helper()
	p := newPool(t, pooltest.Options{Idle: true})
	l := &launching{Pool: p, t: t}
	var err error
	l.other, err = p.Store().Inventories().Create(t.Context(), store.Inventory{ProjectID: p.Project.ID, Name: "other", Type: store.InventoryStatic, Inventory: "web2"})
	require.NoError(t, err)
	l.group, err = p.Store().Environments().Create(t.Context(), store.Environment{ProjectID: p.Project.ID, Name: "group", JSON: `{"color":"red","size":3}`})
	require.NoError(t, err)
	foreign, err := p.Store().Projects().Create(t.Context(), store.Project{Name: "abroad"})
	require.NoError(t, err)
	l.abroad, err = p.Store().Inventories().Create(t.Context(), store.Inventory{ProjectID: foreign.ID, Name: "abroad", Type: store.InventoryStatic, Inventory: "x"})
	require.NoError(t, err)
	return l
}

// facts are what a refusal must not change.
func (l *launching) facts() []int {
	l.t.Helper()
	tasks, err := l.Store().Tasks().List(l.t.Context(), store.TaskFilter{})
	require.NoError(l.t, err)
	return []int{len(tasks.Items), len(events(l.t, l.Pool))}
}

func (l *launching) launch(tpl store.Template, task store.Task, by pool.Caller) (store.Task, error) {
	task.ProjectID, task.TemplateID = tpl.ProjectID, tpl.ID
	return l.AddTask(l.t.Context(), pool.AddRequest{Task: task, By: by})
}

// refused requires that a launch is refused for a field, and that nothing is
// stored.
func (l *launching) refused(tpl store.Template, task store.Task, by pool.Caller, field, says string) {
	l.t.Helper()
	before := l.facts()
	_, err := l.launch(tpl, task, by)
	var refused *job.FieldError
	require.ErrorAs(l.t, err, &refused)
	require.Equal(l.t, field, refused.Field)
	require.Contains(l.t, refused.Reason, says)
	require.Equal(l.t, before, l.facts(), "nothing is stored")
}

// granted launches and returns what was frozen.
func (l *launching) granted(tpl store.Template, task store.Task, by pool.Caller) (store.Task, *pool.Snapshot) {
	l.t.Helper()
	made, err := l.launch(tpl, task, by)
	require.NoError(l.t, err)
	require.Equal(l.t, store.Waiting, made.Status)
	snap, err := l.Snapshot(l.t.Context(), made.ProjectID, made.ID)
	require.NoError(l.t, err)
	return made, snap
}

func params(text string) json.RawMessage { return json.RawMessage(text) }

func flags(text string) store.Template {
	return store.Template{App: "ansible", Playbook: "site.yml", TaskParams: params(text)}
}

func script(change func(*store.Template)) store.Template {
	t := store.Template{}
	change(&t)
	return t
}

// TestFlags has one row per flag: without it the task is refused, with it, and
// for saved parameters in any case, the task gets what it asks for.
func TestFlags(t *testing.T) {
	t.Parallel()
	tofu := func(text string) store.Template {
		return store.Template{App: "terraform", Playbook: "infra", TaskParams: params(text)}
	}
	for _, c := range []struct {
		flag    string
		without store.Template
		with    store.Template
		task    store.Task
		field   string
		got     func(s job.Spec) any
		want    any
	}{
		{"allow_override_branch_in_task", store.Template{}, script(func(t *store.Template) { t.AllowOverrideBranch = true }),
			store.Task{GitBranch: new("dev")}, "git_branch", func(s job.Spec) any { return s.Repository.Branch }, "dev"},
		{"allow_override_args_in_task", store.Template{}, script(func(t *store.Template) { t.AllowOverrideArgs = true }),
			store.Task{Arguments: new(`["-x"]`)}, "arguments", func(s job.Spec) any { return s.TaskArgs.List }, []string{"-x"}},
		{"allow_override_limit", flags(`{"limit":["a"]}`), flags(`{"limit":["a"],"allow_override_limit":true}`),
			store.Task{Params: params(`{"limit":["b"]}`)}, "params.limit", func(s job.Spec) any { return s.Ansible.Limit }, []string{"b"}},
		{"allow_override_limit", flags(`{"limit":["a"]}`), flags(`{"limit":["a"],"allow_override_limit":true}`),
			store.Task{Limit: "b,c"}, "params.limit", func(s job.Spec) any { return s.Ansible.Limit }, []string{"b", "c"}},
		{"allow_override_tags", flags(`{}`), flags(`{"allow_override_tags":true}`),
			store.Task{Params: params(`{"tags":["b"]}`)}, "params.tags", func(s job.Spec) any { return s.Ansible.Tags }, []string{"b"}},
		{"allow_override_skip_tags", flags(`{}`), flags(`{"allow_override_skip_tags":true}`),
			store.Task{Params: params(`{"skip_tags":["b"]}`)}, "params.skip_tags", func(s job.Spec) any { return s.Ansible.SkipTags }, []string{"b"}},
		{"allow_debug", flags(`{}`), flags(`{"allow_debug":true}`),
			store.Task{Params: params(`{"debug":true,"debug_level":2}`)}, "params.debug", func(s job.Spec) any { return s.Ansible.DebugLevel }, 2},
		{"allow_destroy", tofu(`{}`), tofu(`{"allow_destroy":true}`),
			store.Task{Params: params(`{"destroy":true}`)}, "params.destroy", func(s job.Spec) any { return s.Terraform.TaskDestroy }, true},
		{"allow_auto_approve", tofu(`{}`), tofu(`{"allow_auto_approve":true}`),
			store.Task{Params: params(`{"auto_approve":true}`)}, "params.auto_approve", func(s job.Spec) any { return s.Terraform.AutoApprove }, true},
	} {
		t.Run(c.field+" follows "+c.flag, func(t *testing.T) {
			t.Parallel()
			l := setupLaunch(t)
			c.without.Name, c.with.Name = "without", "with"
			without, with := l.Template(c.without), l.Template(c.with)
			l.refused(without, c.task, pool.Caller{Manage: true}, c.field, c.flag)
			_, snap := l.granted(with, c.task, pool.Caller{})
			require.EqualValues(t, c.want, c.got(snap.Spec))
			_, snap = l.granted(without, c.task, pool.Caller{Saved: true})
			require.EqualValues(t, c.want, c.got(snap.Spec))
		})
	}
	t.Run("inventory_id follows allow_override_inventory", func(t *testing.T) {
		t.Parallel()
		l := setupLaunch(t)
		without, with := flags(`{}`), flags(`{"allow_override_inventory":true}`)
		without.Name, with.Name = "without", "with"
		without, with = l.Template(without), l.Template(with)
		l.refused(without, store.Task{InventoryID: &l.other.ID}, pool.Caller{Manage: true}, "inventory_id", "allow_override_inventory")
		for _, by := range []struct {
			tpl store.Template
			pool.Caller
		}{{with, pool.Caller{}}, {without, pool.Caller{Saved: true}}} {
			task, snap := l.granted(by.tpl, store.Task{InventoryID: &l.other.ID}, by.Caller)
			require.Equal(t, "web2", snap.Spec.Inventory.Text)
			require.Equal(t, l.other.ID, *task.InventoryID)
		}
	})
}

// TestWhatSaysNothingIsNoOverride sends what the old page always sends.
func TestWhatSaysNothingIsNoOverride(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"ansible", "terraform", "bash"} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			l := setupLaunch(t)
			tpl := store.Template{App: app, Playbook: "site.yml"}
			if app == "ansible" {
				tpl.TaskParams = params(`{"limit":["web"],"tags":["t"]}`)
			}
			tpl = l.Template(tpl)
			for _, task := range []store.Task{
				{},
				{GitBranch: new(""), InventoryID: new(int64(0)), Environment: "", Arguments: new(""), Params: params(`null`)},
				{GitBranch: new("main"), InventoryID: tpl.InventoryID, Environment: "{}", Secret: "{}", Arguments: new("[]"), Params: params(`{}`)},
				{Environment: "null", Secret: "null", Arguments: new("{}"), Playbook: "site.yml", Params: params(`{"debug":false,"limit":null,"tags":[]}`)},
				{Environment: `{"unknown":null,"other":""}`, Secret: `{"x":""}`, Arguments: new("null"), CommitHash: new(""), BuildTaskID: new(int64(0))},
				{Params: params(`{"limit":[""],"tags":[" "],"skip_tags":[""]}`)},
				{Params: params(`{"limit":[","," "]}`), Limit: " , ,"},
				{Limit: " "},
				{Limit: ","},
			} {
				_, snap := l.granted(tpl, task, pool.Caller{})
				require.Equal(t, "main", snap.Spec.Repository.Branch)
				require.True(t, snap.Spec.TaskArgs.IsZero())
				require.Empty(t, snap.Spec.Variables)
				require.Empty(t, snap.Survey)
				if app == "ansible" {
					require.Equal(t, []string{"web"}, snap.Spec.Ansible.Limit, "never wider than the template")
					require.Equal(t, []string{"t"}, snap.Spec.Ansible.Tags)
				}
			}
		})
	}
	t.Run("nor does what is as the template has it", func(t *testing.T) {
		t.Parallel()
		l := setupLaunch(t)
		tpl := flags(`{"limit":["web","db"],"auto_approve":true}`)
		tpl.Arguments, tpl.EnvironmentID, tpl.GitBranch = new(`["--flush-cache"]`), &l.group.ID, new("stable")
		_, snap := l.granted(l.Template(tpl), store.Task{
			Limit: "web, db", Arguments: new(` [ "--flush-cache" ] `), GitBranch: new("stable"), Environment: `{"color":"red","size":3}`,
		}, pool.Caller{})
		require.Equal(t, []string{"web", "db"}, snap.Spec.Ansible.Limit)
		require.True(t, snap.Spec.TaskArgs.IsZero())
	})
}

// TestRefusals are requests that cannot be granted to anybody.
func TestRefusals(t *testing.T) {
	t.Parallel()
	all := pool.Caller{Manage: true, Saved: true}
	open := store.Template{App: "ansible", Playbook: "site.yml", TaskParams: params(`{"allow_override_inventory":true,"allow_override_limit":true}`), AllowOverrideArgs: true}
	for _, c := range []struct {
		name  string
		tpl   store.Template
		task  store.Task
		field string
		says  string
	}{
		{"a playbook for a script", store.Template{}, store.Task{Playbook: "other.sh"}, "playbook", "only tasks of the app ansible"},
		{"a playbook outside of the repository", open, store.Task{Playbook: "../x.yml"}, "playbook", "leaves the repository"},
		{"an option as playbook", open, store.Task{Playbook: "--version"}, "playbook", "dash"},
		{"an option as branch", open, store.Task{GitBranch: new("--upload-pack=x")}, "repository.branch", ""},
		{"a commit that is none", open, store.Task{CommitHash: new("HEAD~1")}, "repository.commit", ""},
		{"arguments that are no JSON", open, store.Task{Arguments: new("-v")}, "arguments", "JSON"},
		{"an empty limit as argument", open, store.Task{Arguments: new(`["--limit="]`)}, "task_args", "all hosts"},
		{"variables that are no object", open, store.Task{Environment: `["a"]`}, "environment", "not a JSON object"},
		{"secrets that are no object", open, store.Task{Secret: `"hunter2"`}, "secret", "no JSON object"},
		{"a secret that is no text", open, store.Task{Secret: `{"a":{"b":1}}`}, "secret", "no text"},
		{"params that are no object", open, store.Task{Params: params(`[]`)}, "params", "cannot be read"},
		{"a limit that is no list", open, store.Task{Params: params(`{"limit":"web"}`)}, "params", "cannot be read"},
		{"a flag that is none", open, store.Task{Params: params(`{"dry_run":"yes"}`)}, "params", "cannot be read"},
		{"a level that is no number", open, store.Task{Params: params(`{"debug_level":"3"}`)}, "params", "cannot be read"},
		{"an inventory that is not there", open, store.Task{InventoryID: new(int64(4711))}, "inventory_id", "no inventory 4711"},
		{"a reserved name", open, store.Task{Environment: `{"LD_PRELOAD":"x.so"}`}, "environment", "reserved"},
		{"a name that is none", open, store.Task{Environment: `{"a b":1}`}, "variables", "cannot be a variable"},
		{"a build that is not there", store.Template{Type: store.TemplateDeploy}, store.Task{BuildTaskID: new(int64(4711))}, "build_task_id", "no task 4711"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := setupLaunch(t)
			l.refused(l.Template(c.tpl), c.task, all, c.field, c.says)
		})
	}
	t.Run("an inventory of another project", func(t *testing.T) {
		t.Parallel()
		l := setupLaunch(t)
		l.refused(l.Template(open), store.Task{InventoryID: &l.abroad.ID}, all, "inventory_id", "in this project")
	})
	t.Run("ansible without an inventory", func(t *testing.T) {
		t.Parallel()
		l := setupLaunch(t)
		tpl := l.Template(store.Template{App: "bash"})
		tpl.App = "ansible"
		require.NoError(t, l.Store().Templates().Update(t.Context(), tpl))
		l.refused(tpl, store.Task{}, all, "inventory_id", "has no inventory")
	})
	t.Run("an app that is switched off", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Idle: true, Config: pool.Config{CheckApp: func(context.Context, store.Store, string) error { return job.ErrInvalid }}})
		l := &launching{Pool: p, t: t}
		l.refused(p.Template(store.Template{}), store.Task{}, all, "app", "invalid")
	})
	t.Run("a template that is not there", func(t *testing.T) {
		t.Parallel()
		l := setupLaunch(t)
		before := l.facts()
		_, err := l.launch(store.Template{ProjectID: l.Project.ID, ID: 4711}, store.Task{}, all)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = l.launch(store.Template{ProjectID: l.abroad.ProjectID, ID: l.Template(store.Template{}).ID}, store.Task{}, all)
		require.ErrorIs(t, err, store.ErrNotFound, "it is of another project")
		require.Equal(t, before, l.facts())
	})
}

func TestWhatNeedsNoFlag(t *testing.T) {
	t.Parallel()
	l := setupLaunch(t)
	task, snap := l.granted(l.Template(flags(`{}`)), store.Task{
		Playbook: "other.yml", CommitHash: new("0123456789abcdef0123456789abcdef01234567"), Message: "why", Params: params(`{"dry_run":true,"diff":true}`),
	}, pool.Caller{Username: "alice"})
	require.Equal(t, "why", task.Message)
	require.Equal(t, "other.yml", snap.Spec.Playbook)
	require.Equal(t, *task.CommitHash, snap.Spec.Repository.Commit)
	require.True(t, snap.Spec.Ansible.Check)
	require.True(t, snap.Spec.Ansible.Diff)
	require.Equal(t, "alice", snap.Spec.Task.Username)
	task, _ = l.granted(l.Template(store.Template{}), store.Task{Message: longText(300)}, pool.Caller{})
	require.Len(t, []rune(task.Message), 250)
}

func longText(n int) string {
	text := make([]rune, n)
	for i := range text {
		text[i] = 'ü'
	}
	return string(text)
}
