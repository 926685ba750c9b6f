package api_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// farTool makes the template {template} run a file of a repository with a real
// tool. It returns the directory of links, which is the same on every runner.
func (w *world) farTool(t *testing.T, app, playbook string, files map[string]string) (links string) {
	t.Helper()
	program := map[string]string{"ansible": "ansible-playbook"}[app]
	if program == "" {
		program = app
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
	repo := jobtest.NewGitRepo(t)
	for name, text := range files {
		repo.Commit(t, "main", name, text, "change")
	}
	row, err := w.st.Repositories().Get(t.Context(), w.ids["p"], w.ids["repository"])
	require.NoError(t, err)
	key, err := w.pool.SaveKey(t.Context(), store.AccessKey{ProjectID: w.ids["p"], Name: "nothing", Type: store.KeyNone})
	require.NoError(t, err)
	row.GitURL, row.SSHKeyID = "file://"+repo.Path, key.ID
	require.NoError(t, w.st.Repositories().Update(t.Context(), row))
	tpl, err := w.st.Templates().Get(t.Context(), w.ids["p"], w.ids["template"])
	require.NoError(t, err)
	tpl.App, tpl.Playbook = app, playbook
	if app == "terraform" {
		tpl.InventoryID, tpl.EnvironmentID = nil, nil
	}
	require.NoError(t, w.st.Templates().Update(t.Context(), tpl))
	links, err = os.MkdirTemp("", "sr")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(links)) })
	return links
}

// startLocal starts a process of the runner that runs real tools.
func (r *farRunner) startLocal(t *testing.T, links string) *farProcess {
	t.Helper()
	source := r.source()
	local, err := job.NewLocal(filepath.Join(r.dir, "work"), job.LocalConfig{
		States: source.States(), Bundles: source.Bundles(), LinkDir: links, ReposPaths: []string{os.TempDir()},
		HomeMode: job.HomeIsolated, Env: map[string]string{"TF_CLI_CONFIG_FILE": "/dev/null"}, Log: quiet(),
	})
	require.NoError(t, err)
	require.NoError(t, source.Recover(t.Context(), local.Sweep))
	return r.startOn(source, local)
}

// TestRunnerRunsARealScript checks order and completeness of what a script
// prints, and how it ends.
func TestRunnerRunsARealScript(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, _ *wire, url string) {
		links := w.farTool(t, "bash", "run.sh", map[string]string{"run.sh": "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 3\n"})
		newRunner(t, w, url, `{"name":"box"}`).startLocal(t, links)
		w.launch("task")
		w.reaches("task", store.Failed)
		wantLines(t, w.output("task"), 2000)
		require.Equal(t, 3, w.task("task").ExitCode)
		require.Len(t, *w.task("task").CommitHash, 40)
	})
}

const farInfra = `
variable "password" {
  sensitive = true
  default   = "canary-in-the-state"
}
resource "terraform_data" "a" { input = var.password }
`

// TestRunnerAppliesThePlanOfAnother plans on one runner and applies on the
// other: bundle and state travel, and neither is ever in clear on the way.
func TestRunnerAppliesThePlanOfAnother(t *testing.T) {
	t.Parallel()
	farBackends(t, options{}, func(t *testing.T, w *world, x *wire, url string) {
		links := w.farTool(t, "terraform", "infra", map[string]string{"infra/main.tf": farInfra})
		first := newRunner(t, w, url, `{"name":"first"}`).startLocal(t, links)
		w.launch("plan")
		w.reaches("plan", store.WaitingConfirmation)
		first.stop()
		second := newRunner(t, w, url, `{"name":"second"}`)
		second.startLocal(t, links)
		require.Equal(t, http.StatusNoContent, w.do("owner", "POST", "/project/{p}/tasks/{plan}/confirm", "{}").Status)
		w.reaches("plan", store.Success)
		require.Equal(t, second.id, *w.task("plan").RunnerID)
		require.Contains(t, strings.Join(w.output("plan"), "\n"), "Apply complete! Resources: 1 added")
		key := job.StateKey{ProjectID: w.ids["p"], TemplateID: w.ids["template"], Workspace: "default"}
		state, err := pool.States(w.st, w.ring).Load(t.Context(), key)
		require.NoError(t, err)
		require.Contains(t, string(state.Data), "canary-in-the-state")
		w.launch("again")
		w.reaches("again", store.Success)
		require.Contains(t, strings.Join(w.output("again"), "\n"), "No changes", "the state came along")
		require.NotContains(t, x.seen(), "canary-in-the-state")
		locks, err := w.st.Artifacts().StateLocks(t.Context())
		require.NoError(t, err)
		require.Empty(t, locks)
	})
}
