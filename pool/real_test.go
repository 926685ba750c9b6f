package pool_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// cluster is a store and a ring that several nodes work on, one after another.
type cluster struct {
	t     *testing.T
	st    store.Store
	ring  *crypto.Ring
	links string // the stable path of runs, the same on every node
	repo  string
}

func setupCluster(t *testing.T, tool string, files map[string]string) *cluster {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
	links, err := os.MkdirTemp("", "sp")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(links)) })
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	c := &cluster{t: t, st: newStore(), ring: ring, links: links, repo: t.TempDir()}
	c.git("init", "-q", "-b", "main")
	c.commit(files)
	return c
}

func (c *cluster) git(args ...string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@localhost"}, args...)...)
	cmd.Dir = c.repo
	out, err := cmd.CombinedOutput()
	require.NoErrorf(c.t, err, "git %v: %s", args, out)
}

func (c *cluster) commit(files map[string]string) {
	c.t.Helper()
	for name, text := range files {
		file := filepath.Join(c.repo, name)
		require.NoError(c.t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(c.t, os.WriteFile(file, []byte(text), 0o600))
	}
	c.git("add", "-A")
	c.git("commit", "-q", "-m", "change")
}

// node is a pool with a directory of its own, until stop.
func (c *cluster) node() (p *pooltest.Pool, stop func()) {
	c.t.Helper()
	log := slog.New(slog.DiscardHandler)
	dir, err := os.MkdirTemp(c.links, "node")
	require.NoError(c.t, err)
	local, err := job.NewLocal(dir, job.LocalConfig{
		States: pool.States(c.st, c.ring), Bundles: pool.Bundles(c.st, c.ring), Log: log, LinkDir: c.links,
		ReposPaths: []string{os.TempDir()}, HomeMode: job.HomeIsolated, Env: map[string]string{"TF_CLI_CONFIG_FILE": "/dev/null"},
	})
	require.NoError(c.t, err)
	p = newPool(c.t, pooltest.Options{Store: c.st, Executor: local, Idle: true, Config: pool.Config{Ring: c.ring, Log: log}})
	return p, p.Start()
}

func (c *cluster) template(p *pooltest.Pool, t store.Template, inv *store.Inventory) store.Template {
	c.t.Helper()
	tpl, err := p.Ensure(c.t.Context(), pool.Blueprint{
		Project: p.Project.Name, Repository: store.Repository{Name: "code", GitURL: "file://" + c.repo, GitBranch: "main"}, Inventory: inv, Template: t,
	})
	require.NoError(c.t, err)
	return tpl
}

const infra = `
variable "text" { default = "first" }
resource "terraform_data" "a" { input = var.text }
output "text" { value = terraform_data.a.output }
`

func TestAPlanIsAppliedByAnotherNode(t *testing.T) {
	t.Parallel()
	c := setupCluster(t, "terraform", map[string]string{"infra/main.tf": infra})
	here, stop := c.node()
	tpl := c.template(here, store.Template{App: "terraform", Playbook: "infra"}, nil)
	variable := func(t *store.Task) { t.Environment = `{"text":"` + canary + `"}` }
	task := here.Await(here.Add(tpl, variable), store.WaitingConfirmation)
	require.Contains(t, string(task.Plan), `"add":1`)
	bundle, err := c.st.Artifacts().Bundle(t.Context(), task.ProjectID, task.ID, 0)
	require.NoError(t, err)
	require.NotEmpty(t, bundle)
	require.NotContains(t, string(bundle), "main.tf")
	stop()
	c.commit(map[string]string{"infra/main.tf": `output "other" { value = 1 }`}) // the branch moves on

	there, stop := c.node()
	defer stop()
	_, err = there.Confirm(t.Context(), task.ProjectID, task.ID, pool.Caller{})
	require.NoError(t, err)
	there.Await(task, store.Success)
	require.Contains(t, strings.Join(there.Log(task), "\n"), "Apply complete! Resources: 1 added")
	_, err = c.st.Artifacts().Bundle(t.Context(), task.ProjectID, task.ID, 0)
	require.ErrorIs(t, err, store.ErrNotFound, "its bundle is wiped")

	key := store.StateKey{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Workspace: "default"}
	first, err := c.st.Artifacts().State(t.Context(), key)
	require.NoError(t, err)
	require.NotContains(t, string(first.Data), canary)
	opened, err := pool.States(c.st, c.ring).Load(t.Context(), job.StateKey(key))
	require.NoError(t, err)
	require.Contains(t, string(opened.Data), canary)

	c.commit(map[string]string{"infra/main.tf": infra})
	again := there.Await(there.Add(tpl), store.WaitingConfirmation) // the default is another text
	require.Contains(t, string(again.Plan), `"change":1`)
	_, err = there.Confirm(t.Context(), again.ProjectID, again.ID, pool.Caller{})
	require.NoError(t, err)
	there.Await(again, store.Success)
	second, err := c.st.Artifacts().State(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, first.Lineage, second.Lineage)
	require.Greater(t, second.Serial, first.Serial)
	locks, err := c.st.Artifacts().StateLocks(t.Context())
	require.NoError(t, err)
	require.Empty(t, locks)
}

func TestTheLockOfADeadTaskIsReleased(t *testing.T) {
	t.Parallel()
	c := setupCluster(t, "git", map[string]string{"run.sh": "echo hello"})
	idle := newPool(t, pooltest.Options{Store: c.st, Idle: true})
	tpl := c.template(idle, store.Template{App: "bash", Playbook: "run.sh"}, nil)
	task := idle.Add(tpl)
	dead := claim(t, c.st, "dead")
	key := store.StateKey{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, Workspace: "default"}
	_, err := c.st.Artifacts().LockState(t.Context(), key, store.StateLock{TaskID: task.ID, Attempt: dead.Lease.Attempt})
	require.NoError(t, err)
	p, stop := c.node()
	defer stop()
	p.Await(task, store.Failed)
	require.Eventually(t, func() bool {
		locks, err := c.st.Artifacts().StateLocks(t.Context())
		return err == nil && len(locks) == 0
	}, 10*time.Second, 10*time.Millisecond)
	p.Await(p.Add(tpl), store.Success)
}

func TestARealPlaybook(t *testing.T) {
	t.Parallel()
	c := setupCluster(t, "ansible-playbook", map[string]string{"site.yml": `
- name: prepare
  hosts: all
  gather_facts: false
  tasks:
    - name: say {{ greeting }}
      debug: {msg: "{{ greeting }} {{ token }}"}
    - name: break
      fail: {msg: "out of order"}
      when: inventory_hostname == "second"
`})
	p, stop := c.node()
	defer stop()
	tpl := c.template(p, store.Template{
		App: "ansible", Playbook: "site.yml", SurveyVars: []store.SurveyVar{{Name: "greeting", DefaultValue: "hello"}, {Name: "token", Type: store.SurveySecret}},
	}, &store.Inventory{Name: "hosts", Type: store.InventoryStatic, Inventory: "first ansible_connection=local\nsecond ansible_connection=local"})
	task := p.Await(p.Add(tpl, func(t *store.Task) { t.Secret = `{"token":"` + canary + `"}` }), store.Failed)
	require.Equal(t, 2, task.ExitCode)
	require.Contains(t, string(task.Command), "ansible-playbook")
	log := strings.Join(p.Log(task), "\n")
	require.Contains(t, log, "hello ***")
	secretless(t, p, canary)
	f := found(t, p, task)
	names := map[string]bool{}
	for _, s := range f.stages {
		names[s.Type+" "+s.Name] = true
	}
	require.True(t, names["init "] && names["running "] && names["play prepare"] && names["task break"], "%v", names)
	require.Len(t, f.hosts, 2)
	require.Equal(t, []int{1, 0, 1, 1}, []int{f.hosts[0].OK, f.hosts[0].Failed, f.hosts[1].OK, f.hosts[1].Failed})
	require.Len(t, f.problems, 1)
	require.Equal(t, []string{"second", "break", "out of order"}, []string{f.problems[0].Host, f.problems[0].Task, f.problems[0].Error})
}
