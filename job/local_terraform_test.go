package job_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

const greeting = `
variable "greeting" { default = "hello" }
resource "terraform_data" "greeting" { input = var.greeting }
output "greeting" { value = terraform_data.greeting.output }
output "cwd" { value = path.cwd }
`

func (b *bench) terraform(dir string) *job.Spec {
	need(b.t, "terraform")
	s := b.spec("terraform", "infra", dir)
	s.Terraform = &job.TerraformOptions{AllowDestroy: true, AllowAutoApprove: true}
	return s
}

// stateOf is what the store has for the template of the tests.
func (b *bench) stateOf(workspace string) job.TerraformState {
	b.t.Helper()
	s, err := job.DirStates{Dir: filepath.Join(b.dir, "states")}.Load(b.t.Context(), job.StateKey{ProjectID: 1, TemplateID: 1, Workspace: workspace})
	require.NoError(b.t, err)
	return s
}

func resources(t testing.TB, s job.TerraformState) int {
	t.Helper()
	var state struct{ Resources []json.RawMessage }
	require.NoError(t, json.Unmarshal(s.Data, &state))
	return len(state.Resources)
}

func TestTerraformFromPlanToDestroy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"infra/main.tf": greeting})

	rec := &jobtest.Recorder{} // rejects
	require.ErrorIs(t, b.run(b.terraform(dir), rec), job.ErrRejected)
	require.Equal(t, []job.PlanSummary{{Add: 1, Outputs: 2, Changes: []job.PlanChange{{Address: "terraform_data.greeting", Action: "create"}}}}, rec.Plans())
	require.Len(t, rec.Prompts(), 1)
	require.Contains(t, rec.Prompts()[0].Text, "1 to add, 0 to change, 0 to destroy")
	require.Empty(t, b.stateOf("default").Data)

	plan := b.terraform(dir)
	plan.Terraform.TaskPlanOnly = true
	rec = b.ok(plan)
	require.Empty(t, rec.Prompts())
	require.NotContains(t, rec.Output(), "Apply complete")

	spec := b.terraform(dir)
	spec.Variables = map[string]any{"greeting": "bonjour <&> \"quoted\" ${not} 'templated'"}
	rec = b.ok(spec)
	require.Contains(t, rec.Output(), "Apply complete! Resources: 1 added")
	require.Contains(t, string(b.stateOf("default").Data), "${not}")
	require.Equal(t, 1, resources(t, b.stateOf("default")))

	spec = b.terraform(dir)
	spec.Variables = map[string]any{"greeting": "bonjour <&> \"quoted\" ${not} 'templated'"}
	rec = b.ok(spec)
	require.Contains(t, rec.Output(), "greeting")
	require.Equal(t, 0, rec.Plans()[0].Add, "the resource of the deleted workspace is known")

	spec = b.terraform(dir)
	spec.Terraform.TaskDestroy, spec.Terraform.TaskAutoApprove = true, true
	rec = b.ok(spec)
	require.Contains(t, rec.Output(), "Resources: 0 added, 0 changed, 1 destroyed")
	require.Empty(t, rec.Prompts())
	require.Equal(t, 0, resources(t, b.stateOf("default")))
}

func TestTerraformWithoutChangesAsksNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"infra/main.tf": `resource "terraform_data" "a" {}`})
	b.ok(b.terraform(dir))
	rec := b.ok(b.terraform(dir))
	require.Contains(t, rec.Output(), "No changes.")
	require.True(t, rec.Plans()[0].Empty())
	require.Empty(t, rec.Prompts())
}

func TestWorkspacesHaveStatesOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"infra/main.tf": `output "ws" { value = terraform.workspace }` + "\n" + `resource "terraform_data" "a" {}`})
	for _, name := range []string{"prod", "dev", "prod"} {
		spec := b.terraform(dir)
		spec.Inventory = &job.Inventory{Type: job.TerraformWorkspace, Text: name}
		rec := b.ok(spec)
		if len(rec.Prompts()) > 0 {
			require.Contains(t, rec.Output(), `ws = "`+name+`"`)
		}
	}
	require.Equal(t, 1, resources(t, b.stateOf("prod")))
	require.Equal(t, 1, resources(t, b.stateOf("dev")))
	require.Empty(t, b.stateOf("default").Data)
}

func TestAnUndeclaredVariableIsAnErrorBeforePlan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.terraform(repository(t, files{"infra/main.tf": greeting}))
	spec.Variables = map[string]any{"greting": "typo"}
	rec := &jobtest.Recorder{}
	err := b.run(spec, rec)
	require.ErrorIs(t, err, job.ErrInvalid)
	require.Contains(t, err.Error(), `"greting" is not declared in infra`)
	require.Empty(t, rec.Output())
}

// TestAHeldPlanIsAppliedElsewhere plans in one job directory and applies in
// another, with the two stores between them.
func TestAHeldPlanIsAppliedElsewhere(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	stores := func(c *job.LocalConfig) {
		c.States = job.DirStates{Dir: filepath.Join(shared, "states")}
		c.Bundles = job.DirBundles{Dir: filepath.Join(shared, "bundles")}
	}
	here, there := setup(t, stores), setup(t, stores)
	there.links = here.links // the stable path is the same on every node
	there.cfg.LinkDir = here.links
	var err error
	there.local, err = job.NewLocal(there.dir, there.cfg)
	require.NoError(t, err)
	dir := repository(t, files{"infra/main.tf": greeting + `
module "m" { source = "./m" }
`, "infra/m/main.tf": `resource "terraform_data" "in_module" {}`})

	spec := here.terraform(dir)
	spec.Inventory = &job.Inventory{Type: job.TerraformWorkspace, Text: "prod"}
	spec.Variables = map[string]any{"greeting": "as planned"}
	rec := &jobtest.Recorder{Answer: job.Hold}
	require.ErrorIs(t, here.run(spec, rec), job.ErrHeld)
	require.NotContains(t, rec.Output(), "Apply complete")

	write(t, dir, files{"infra/main.tf": `output "other" { value = 1 }`}) // the branch moves on
	commit(t, dir, "something else")
	spec.Resume, spec.Task.Attempt = true, 2
	spec.Variables = map[string]any{"greeting": "ignored"}
	rec = there.ok(spec)
	require.Contains(t, rec.Output(), "Apply complete! Resources: 2 added")
	require.Contains(t, rec.Output(), `greeting = "as planned"`)
	require.Empty(t, rec.Prompts())
	_, err = job.DirBundles{Dir: filepath.Join(shared, "bundles")}.Open(t.Context(), spec.Task.ID)
	require.ErrorIs(t, err, job.ErrNoBundle)

	require.ErrorIs(t, there.run(spec, &jobtest.Recorder{}), job.ErrNoBundle, "it is applied once")
}

func TestAStalePlanFailsClosed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"infra/main.tf": greeting})
	held := b.terraform(dir)
	require.ErrorIs(t, b.run(held, &jobtest.Recorder{Answer: job.Hold}), job.ErrHeld)
	b.ok(b.terraform(dir)) // another run changes the state meanwhile
	held.Resume = true
	rec := &jobtest.Recorder{}
	err := b.run(held, rec)
	require.ErrorContains(t, err, "plan again")
	require.Contains(t, rec.Output(), "stale")

	wrong := b.terraform(dir)
	require.NoError(t, os.RemoveAll(filepath.Join(b.dir, "states")))
	require.ErrorIs(t, b.run(wrong, &jobtest.Recorder{Answer: job.Hold}), job.ErrHeld)
	wrong.Resume, wrong.Inventory = true, &job.Inventory{Type: job.TerraformWorkspace, Text: "prod"}
	require.ErrorContains(t, b.run(wrong, &jobtest.Recorder{}), "plan again")
}

// waiting is a configuration whose apply waits for a file.
func waiting(gate string) string {
	return `
resource "terraform_data" "first" {}
resource "terraform_data" "second" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "echo waiting; while [ ! -e ` + gate + ` ]; do sleep 0.05; done" }
}
`
}

func TestAStopInMidApplyLeavesTheStateWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gate := filepath.Join(t.TempDir(), "gate")
	dir := repository(t, files{"infra/main.tf": waiting(gate)})
	rec, took, err := b.stopAt(b.terraform(dir), "waiting", func(s *job.Stopper) { s.Stop(nil) })
	require.ErrorIs(t, err, job.ErrStopped)
	require.Contains(t, rec.Output(), "Interrupt received")
	require.NotContains(t, rec.System(), "was killed")
	require.GreaterOrEqual(t, resources(t, b.stateOf("default")), 1, "the finished resource is in the state")
	t.Logf("stop of an apply to its end: %v", took.Round(time.Millisecond))
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b.ok(b.terraform(dir)) // nothing is locked
}

func TestTwoAppliesOfOneTemplateExcludeEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gate := filepath.Join(t.TempDir(), "gate")
	dir := repository(t, files{"infra/main.tf": waiting(gate)})
	first := b.terraform(dir)
	rec, _, err := b.stopAt(first, "waiting", func(*job.Stopper) {
		err := b.local.Run(t.Context(), b.terraform(dir), &jobtest.Recorder{Answer: job.Approve})
		var locked *job.LockedError
		require.ErrorAs(t, err, &locked)
		require.Equal(t, first.Task.ID, locked.Holder.TaskID)
		require.NoError(t, os.WriteFile(gate, nil, 0o600))
	})
	require.NoError(t, err, logOf{rec})
}

// TestKillInMidApplyLeavesStateAndANamedLock kills the program alone: what was
// finished is in the state, and until the sweep the state names who held it.
func TestKillInMidApplyLeavesStateAndANamedLock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gate := filepath.Join(t.TempDir(), "gate")
	spec := b.terraform(repository(t, files{"infra/main.tf": waiting(gate)}))
	spec.Limits.StopGrace = 2 * time.Second
	cmd := b.start(spec, job.Approve)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "waiting") {
		continue
	}
	require.Contains(t, lines.Text(), "waiting")
	eventually(t, 10*time.Second, "the first resource to be stored", func() bool { return len(b.stateOf("default").Data) > 0 })
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()

	store := job.DirStates{Dir: filepath.Join(b.dir, "states")}
	key := job.StateKey{ProjectID: 1, TemplateID: 1, Workspace: "default"}
	_, err = store.Lock(t.Context(), key, job.TaskRef{TaskID: 999999})
	var locked *job.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, spec.Task.ID, locked.Holder.TaskID)

	eventually(t, 20*time.Second, "the run to be swept", func() bool {
		swept, err := b.local.Sweep(t.Context())
		require.NoError(t, err)
		if ending := len(swept) == 1 && swept[0].Ending; ending { // the tool is still given its time
			unlock, err := store.Lock(t.Context(), key, job.TaskRef{TaskID: 999999})
			require.ErrorAs(t, err, &locked, "and it holds its state")
			require.Nil(t, unlock)
			return false
		}
		return true
	})
	require.Empty(t, alive(gate))
	require.GreaterOrEqual(t, resources(t, b.stateOf("default")), 1)
	unlock, err := store.Lock(t.Context(), key, job.TaskRef{TaskID: 999999})
	require.NoError(t, err)
	require.NoError(t, unlock())
	b.nothingLeft()
}

func TestTheTimeOutStandsStillWhileAPersonIsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.terraform(repository(t, files{"infra/main.tf": greeting}))
	spec.Limits.Timeout = 20 * time.Second
	asked := make(chan struct{})
	rec := &jobtest.Recorder{OnConfirm: func(ctx context.Context, _ job.Prompt) (job.Answer, error) {
		defer close(asked)
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
		return job.Approve, ctx.Err()
	}}
	require.NoError(t, b.run(spec, rec), logOf{rec})
	<-asked
}

func TestAStopEndsTheQuestion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, stopper := job.WithStopper(t.Context())
	rec := &jobtest.Recorder{OnConfirm: func(ctx context.Context, _ job.Prompt) (job.Answer, error) {
		stopper.Stop(nil)
		<-ctx.Done()
		return job.Approve, nil // too late
	}}
	err := b.local.Run(ctx, b.terraform(repository(t, files{"infra/main.tf": greeting})), rec)
	require.ErrorIs(t, err, job.ErrStopped)
	require.NotContains(t, rec.Output(), "Apply complete")
	b.nothingLeft()
}

func TestAConfigurationWithABackendKeepsIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	outside := filepath.Join(t.TempDir(), "own.tfstate")
	dir := repository(t, files{"infra/main.tf": greeting, "infra/backend.tf": "terraform {\n  backend \"local\" { path = \"" + outside + "\" }\n}\n"})
	b.ok(b.terraform(dir))
	require.FileExists(t, outside)
	require.Empty(t, b.stateOf("default").Data, "an absolute path is the user's own")

	inside := repository(t, files{"infra/main.tf": greeting, "infra/backend.tf": "terraform {\n  backend \"local\" { path = \"sub/x.tfstate\" }\n}\n"})
	b.ok(b.terraform(inside))
	require.Equal(t, 1, resources(t, b.stateOf("default")), "a path in the workspace is kept")
}

func TestAStateMigrationIsAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"infra/main.tf": greeting})
	spec := b.terraform(dir)
	spec.Template.Workspace = job.Keep
	b.ok(spec)
	write(t, dir, files{"infra/backend.tf": "terraform {\n  backend \"local\" { path = \"moved.tfstate\" }\n}\n"})
	commit(t, dir, "move the state")
	rec := &jobtest.Recorder{}
	spec.Task.ID++
	require.ErrorIs(t, b.run(spec, rec), job.ErrRejected, logOf{rec})
	require.Equal(t, job.AskMigrateState, rec.Prompts()[0].Kind)
	rec = b.ok(spec)
	require.Equal(t, job.AskMigrateState, rec.Prompts()[0].Kind)
	require.FileExists(t, filepath.Join(b.dir, "project_1", "repository_1_template_1", "infra", "moved.tfstate"))
}

func TestAnOldCheckoutsStateIsTakenOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"infra/main.tf": greeting})
	kept := b.terraform(dir)
	kept.Template.Workspace = job.Keep
	b.ok(kept)
	old := filepath.Join(b.dir, "project_1", "repository_1_template_1", "infra", "terraform.tfstate")
	before, err := os.ReadFile(old)
	require.NoError(t, err)
	rec := b.ok(b.terraform(dir))
	require.Contains(t, rec.System(), "took over the terraform state")
	require.Equal(t, 0, rec.Plans()[0].Add)
	after, err := os.ReadFile(old)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestTheBackendOverrideIsOfTheRunOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tool := jobtest.NewFakeTool(t, "terraform", `cat *.tf; exit 0`)
	b.cfg.Apps = map[string]job.App{"terraform": {Path: tool.Path}}
	local, err := job.NewLocal(b.dir, b.cfg)
	require.NoError(t, err)
	b.local = local
	dir := directory(t, files{"infra/main.tf": "# main\n"})
	spec := b.spec("terraform", "infra", dir)
	spec.Terraform = &job.TerraformOptions{OverrideBackend: true, BackendFile: "over.tf", BackendAddress: "https://sem.example/api/terraform/x"}
	require.Contains(t, b.ok(spec).Output(), `backend "http"`)
	require.NoFileExists(t, filepath.Join(dir, "infra", "over.tf"))
	require.Equal(t, "https://sem.example/api/terraform/x", tool.Calls(t)[0].Env["TF_HTTP_ADDRESS"])

	write(t, dir, files{"infra/over.tf": "# the user's own\n"})
	require.ErrorContains(t, b.run(spec, &jobtest.Recorder{}), "would be overwritten")
	require.FileExists(t, filepath.Join(dir, "infra", "over.tf"))
}
