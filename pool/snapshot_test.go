package pool_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// rows are a template and everything it refers to.
type rows struct {
	tpl   store.Template
	repo  store.Repository
	inv   store.Inventory
	env   store.Environment
	key   store.AccessKey // the user's, in the inventory
	token store.AccessKey // a secret of the variable group
}

func everything(t *testing.T, p *pooltest.Pool) rows {
	t.Helper()
	ctx, project := t.Context(), p.Project.ID
	var r rows
	var err error
	r.key, err = p.SaveKey(ctx, store.AccessKey{ProjectID: project, Name: "login", Type: store.KeyLoginPassword, LoginPassword: store.LoginPassword{Login: "alice", Password: "old-password"}})
	require.NoError(t, err)
	r.env, err = p.Store().Environments().Create(ctx, store.Environment{ProjectID: project, Name: "env", JSON: `{"color":"red"}`, Env: new(`{"MODE":"a"}`)})
	require.NoError(t, err)
	r.token, err = p.SaveKey(ctx, store.AccessKey{ProjectID: project, Name: "TOKEN", Type: store.KeyString, Owner: store.OwnerEnvironment, EnvironmentID: &r.env.ID, String: "old-token"})
	require.NoError(t, err)
	r.inv, err = p.Store().Inventories().Create(ctx, store.Inventory{ProjectID: project, Name: "inv", Type: store.InventoryStatic, Inventory: "web1", SSHKeyID: &r.key.ID})
	require.NoError(t, err)
	r.tpl = p.Template(store.Template{
		App: "ansible", Playbook: "site.yml", InventoryID: &r.inv.ID, EnvironmentID: &r.env.ID,
		Arguments: new(`["--flush-cache"]`), TaskParams: params(`{"limit":["web1"]}`),
	})
	r.repo, err = p.Store().Repositories().Get(ctx, project, r.tpl.RepositoryID)
	require.NoError(t, err)
	return r
}

// change makes every row say something else.
func (r rows) change(t *testing.T, p *pooltest.Pool) {
	t.Helper()
	ctx, st := t.Context(), p.Store()
	other, err := p.SaveKey(ctx, store.AccessKey{ProjectID: p.Project.ID, Name: "other", Type: store.KeyLoginPassword, LoginPassword: store.LoginPassword{Login: "mallory", Password: "x"}})
	require.NoError(t, err)
	r.repo.GitURL, r.repo.GitBranch, r.repo.SSHKeyID = "https://git.example.org/other.git", "other", other.ID
	r.inv.Inventory, r.inv.SSHKeyID = "all-the-others", &other.ID
	r.env.JSON, r.env.Env = `{"color":"blue","more":1}`, new(`{"MODE":"b"}`)
	r.tpl.Playbook, r.tpl.Arguments, r.tpl.TaskParams, r.tpl.App = "other.yml", new(`["-vvv"]`), params(`{}`), "bash"
	require.NoError(t, st.Repositories().Update(ctx, r.repo))
	require.NoError(t, st.Inventories().Update(ctx, r.inv))
	require.NoError(t, st.Environments().Update(ctx, r.env))
	require.NoError(t, st.Templates().Update(ctx, r.tpl))
	_, err = p.SaveKey(ctx, store.AccessKey{ProjectID: p.Project.ID, Name: "LATER", Type: store.KeyString, Owner: store.OwnerEnvironment, EnvironmentID: &r.env.ID, String: "later"})
	require.NoError(t, err)
}

func TestOneLaunchOneSnapshot(t *testing.T) {
	t.Parallel()
	t.Run("what is changed after the launch does not change the run", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Idle: true})
		r := everything(t, p)
		task := p.Add(r.tpl)
		r.change(t, p)
		p.Start()
		p.Await(task, store.Success)
		s := p.Fake.Runs()[0]
		require.Equal(t, []string{"ansible", "site.yml"}, []string{s.App, s.Playbook})
		require.Equal(t, []string{"https://git.example.org/code.git", "main"}, []string{s.Repository.URL, s.Repository.Branch})
		require.Equal(t, "web1", s.Inventory.Text)
		require.Equal(t, "alice", s.Inventory.UserKey.Login)
		require.Equal(t, map[string]any{"color": "red"}, s.Variables)
		require.Equal(t, map[string]string{"MODE": "a"}, s.Environment)
		require.Equal(t, []string{"--flush-cache"}, s.TemplateArgs.List)
		require.Equal(t, []string{"web1"}, s.Ansible.Limit)
		require.Len(t, s.Secrets, 1)
	})
	t.Run("keys are read when it is claimed", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Idle: true})
		r := everything(t, p)
		task := p.Add(r.tpl)
		r.key.OverrideSecret, r.key.LoginPassword = true, store.LoginPassword{Login: "bob", Password: "new-password"}
		r.token.OverrideSecret, r.token.String = true, "new-token"
		for _, key := range []store.AccessKey{r.key, r.token} {
			_, err := p.SaveKey(t.Context(), key)
			require.NoError(t, err)
		}
		p.Start()
		p.Await(task, store.Success)
		s := p.Fake.Runs()[0]
		require.Equal(t, "bob", s.Inventory.UserKey.Login)
		require.Equal(t, "new-password", s.Inventory.UserKey.Password.Reveal())
		require.Equal(t, []job.SecretVar{{Name: "TOKEN", Kind: job.SecretEnv, Value: s.Secrets[0].Value}}, s.Secrets)
		require.Equal(t, "new-token", s.Secrets[0].Value.Reveal())
	})
	t.Run("a run that was lost is repeated at the commit of the first", func(t *testing.T) {
		t.Parallel()
		p := newPool(t, pooltest.Options{Idle: true})
		task := p.Add(p.Template(store.Template{Options: store.TemplateOptions{MaxRetries: 1}}))
		c := claim(t, p.Store(), "dead")
		require.NoError(t, p.Store().Queue().Append(t.Context(), c.Lease, store.Append{Seq: 1, Commit: &store.CommitInfo{Hash: "c0ffee"}}))
		p.Start()
		done := p.Await(task, store.Success)
		require.Equal(t, 2, done.Attempt)
		require.Equal(t, "c0ffee", p.Fake.Runs()[0].Repository.Commit)
	})
}

func TestALaunchInsideATransaction(t *testing.T) {
	t.Parallel()
	change := errors.New("changed its mind")
	for name, end := range map[string]error{"is visible once that has committed": nil, "is gone when that is rolled back": change} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, pooltest.Options{Idle: true})
			tpl := p.Template(store.Template{})
			var task store.Task
			err := p.Store().InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
				var err error
				task, err = p.AddTaskTx(ctx, tx, pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
				require.NoError(t, err)
				_, err = p.Task(ctx, task.ProjectID, task.ID)
				require.ErrorIs(t, err, store.ErrNotFound)
				require.Empty(t, events(t, p))
				return end
			})
			require.ErrorIs(t, err, end)
			p.Start()
			if end != nil {
				_, err = p.Task(t.Context(), task.ProjectID, task.ID)
				require.ErrorIs(t, err, store.ErrNotFound)
				return
			}
			p.Wake()
			p.Await(task, store.Success)
		})
	}
}

// claim takes the next task as another process would.
func claim(t *testing.T, st store.Store, owner string) store.Claimed {
	t.Helper()
	list, err := st.Queue().Claim(t.Context(), store.ClaimRequest{Owner: owner, Tags: []string{""}, Max: 1, TTL: leaseTTL})
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0]
}
