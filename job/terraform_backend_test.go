package job_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// TestAStateThatIsReachedByHTTPIsNoOther lets a task reach its state by our own
// address, which is no change of where it is kept.
func TestAStateThatIsReachedByHTTPIsNoOther(t *testing.T) {
	t.Parallel()
	const address = "https://sem.example/api/terraform/task-1-2-3-abcdef0123456789"
	b, states := setupFailing(t)
	tool := jobtest.NewFakeTool(t, "terraform", `mkdir -p .terraform && echo '{"version":3,"backend":{"type":"http"}}' >.terraform/terraform.tfstate; echo "by $TF_HTTP_ADDRESS"; exit 0`)
	b.cfg.Apps = map[string]job.App{"terraform": {Path: tool.Path}}
	local, err := job.NewLocal(b.dir, b.cfg)
	require.NoError(t, err)
	b.local = local
	spec := b.spec("terraform", "infra", repository(t, files{"infra/main.tf": "# main\n"}))
	spec.Terraform = &job.TerraformOptions{OverrideBackend: true}
	key := job.StateKey{ProjectID: spec.Task.ProjectID, TemplateID: spec.Template.ID, Workspace: "default"}
	require.NoError(t, states.Save(t.Context(), key, job.TerraformState{}, job.TerraformState{Lineage: "l", Serial: 4, Data: []byte(`{"version":4,"serial":4,"lineage":"l"}`)}))

	const warning = "the configuration now has a backend"
	require.Contains(t, b.ok(spec).Log(), warning, "somebody else's backend")
	spec.Terraform.BackendAddress = address
	out := b.ok(spec).Log()
	require.NotContains(t, out, warning)
	require.Contains(t, out, "by ***", "whoever has the address reads the state")
	require.NotContains(t, out, "abcdef0123456789")
}
