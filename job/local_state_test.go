package job_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// failingStates is a store that can be made to fail; it counts that it did.
type failingStates struct {
	job.StateStore
	failSave, failLoad error
	failed             int
}

func (f *failingStates) Save(ctx context.Context, key job.StateKey, prev, next job.TerraformState) error {
	if f.failSave != nil {
		f.failed++
		return f.failSave
	}
	return f.StateStore.Save(ctx, key, prev, next)
}

func (f *failingStates) Load(ctx context.Context, key job.StateKey) (job.TerraformState, error) {
	if f.failLoad != nil {
		f.failed++
		return job.TerraformState{}, f.failLoad
	}
	return f.StateStore.Load(ctx, key)
}

var errStoreDown = errors.New("the store is down")

func setupFailing(t *testing.T) (*bench, *failingStates) {
	t.Helper()
	states := &failingStates{}
	b := setup(t, func(c *job.LocalConfig) { c.States = states })
	states.StateStore = job.DirStates{Dir: filepath.Join(b.dir, "states")}
	return b, states
}

// TestAStateThatCannotBeStoredIsNotLost lets the store fail in an apply, and in
// the sweep after it; the next run waits for the state rather than planning
// without it.
func TestAStateThatCannotBeStoredIsNotLost(t *testing.T) {
	t.Parallel()
	b, states := setupFailing(t)
	dir := repository(t, files{"infra/main.tf": `resource "terraform_data" "a" {}`})
	states.failSave = errStoreDown
	rec := &jobtest.Recorder{Answer: job.Approve}
	err := b.local.Run(t.Context(), b.terraform(dir), rec)
	require.ErrorIs(t, err, errStoreDown, logOf{rec})
	require.Contains(t, rec.Output(), "Apply complete")
	require.NotZero(t, states.failed)

	_, err = b.local.Sweep(t.Context())
	require.ErrorIs(t, err, errStoreDown)
	err = b.local.Run(t.Context(), b.terraform(dir), &jobtest.Recorder{Answer: job.Approve})
	require.ErrorContains(t, err, "left a terraform state that is not stored yet")

	states.failSave = nil
	rec = b.ok(b.terraform(dir))
	require.Contains(t, rec.System(), "stored the terraform state that task")
	require.True(t, rec.Plans()[0].Empty(), "the resource is known")
	require.Equal(t, 1, resources(t, b.stateOf("default")))
}

func TestASweepKeepsAStateThatItCannotStore(t *testing.T) {
	t.Parallel()
	b, states := setupFailing(t)
	states.failSave = errStoreDown
	require.Error(t, b.local.Run(t.Context(), b.terraform(repository(t, files{"infra/main.tf": `resource "terraform_data" "a" {}`})), &jobtest.Recorder{Answer: job.Approve}))
	states.failSave, states.failLoad = nil, errStoreDown
	_, err := b.local.Sweep(t.Context())
	require.ErrorIs(t, err, errStoreDown)
	states.failLoad = nil
	swept, err := b.local.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, swept, 1)
	require.True(t, swept[0].StateSaved)
	require.Equal(t, 1, resources(t, b.stateOf("default")))
	b.nothingLeft()
}

// TestASweepPutsAsideWhatIsRefusedForGood so that it does not fail at each start:
// another runner has the task by now.
func TestASweepPutsAsideWhatIsRefusedForGood(t *testing.T) {
	t.Parallel()
	b, states := setupFailing(t)
	states.failSave = errStoreDown
	require.Error(t, b.local.Run(t.Context(), b.terraform(repository(t, files{"infra/main.tf": `resource "terraform_data" "a" {}`})), &jobtest.Recorder{Answer: job.Approve}))
	states.failSave, states.failLoad = nil, fmt.Errorf("load terraform state: %w", job.ErrLeaseLost)
	swept, err := b.local.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, swept, 1)
	require.False(t, swept[0].StateSaved)
	aside, err := filepath.Glob(filepath.Join(b.dir, "rescued", "*.tfstate"))
	require.NoError(t, err)
	require.Len(t, aside, 1, "it may be the only copy")
	text, err := os.ReadFile(aside[0])
	require.NoError(t, err)
	require.Equal(t, 1, resources(t, job.TerraformState{Data: text}))
	swept, err = b.local.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, swept)
}

// TestWhatNoStoreCanTakeIsPutAside covers errored.tfstate, which Terraform
// leaves where a backend refused the state.
func TestWhatNoStoreCanTakeIsPutAside(t *testing.T) {
	t.Parallel()
	tool := jobtest.NewFakeTool(t, "terraform", `case "$1" in
init) mkdir -p .terraform; echo '{"backend":{"type":"s3"}}' >.terraform/terraform.tfstate;;
plan) : >"$(echo "$@" | sed 's/.*-out=\([^ ]*\).*/\1/')"; exit 2;;
show) echo '{"resource_changes":[{"address":"a.a","change":{"actions":["create"]}}]}';;
apply) echo '{"version":4,"serial":3,"lineage":"l","resources":[]}' >errored.tfstate; exit 1;;
esac`)
	b := setup(t, func(c *job.LocalConfig) { c.Apps = map[string]job.App{"terraform": {Path: tool.Path}} })
	spec := b.spec("terraform", "infra", repository(t, files{"infra/main.tf": ""}))
	spec.Terraform = &job.TerraformOptions{AutoApprove: true}
	rec := &jobtest.Recorder{}
	require.Error(t, b.run(spec, rec))
	require.Contains(t, rec.System(), "put aside as rescued/")
	aside, err := filepath.Glob(filepath.Join(b.dir, "rescued", "*-errored.tfstate"))
	require.NoError(t, err)
	require.Len(t, aside, 1)
	text, err := os.ReadFile(aside[0])
	require.NoError(t, err)
	require.Contains(t, string(text), `"serial":3`)
	info, err := os.Stat(aside[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestStatesAtUnusualPlacesAreKeptOrRefused covers what would write the state
// where the deleted workspace takes it along.
func TestStatesAtUnusualPlacesAreKeptOrRefused(t *testing.T) {
	t.Parallel()
	t.Run("a path beside the configuration", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		dir := repository(t, files{"infra/main.tf": `resource "terraform_data" "a" {}`, "infra/b.tf": "terraform {\n  backend \"local\" { path = \"../state/x.tfstate\" }\n}\n"})
		b.ok(b.terraform(dir))
		require.Equal(t, 1, resources(t, b.stateOf("default")))
		require.True(t, b.ok(b.terraform(dir)).Plans()[0].Empty())
	})
	dir := repository(t, files{"infra/main.tf": `resource "terraform_data" "a" {}`})
	for name, change := range map[string]func(*job.Spec){
		"TF_WORKSPACE":       func(s *job.Spec) { s.Environment = map[string]string{"TF_WORKSPACE": "blue"} },
		"-state-out":         func(s *job.Spec) { s.TemplateArgs.Stages = map[string][]string{"apply": {"-state-out=x"}} },
		"-state by argument": func(s *job.Spec) { s.TemplateArgs.List = []string{"-state", "x"} },
		"TF_CLI_ARGS":        func(s *job.Spec) { s.Environment = map[string]string{"TF_CLI_ARGS_apply": "-state=x"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			spec := b.terraform(dir)
			change(spec)
			rec := &jobtest.Recorder{Answer: job.Approve}
			require.ErrorIs(t, b.run(spec, rec), job.ErrInvalid)
			require.NotContains(t, rec.Output(), "Apply complete")
		})
	}
}

func TestAStateDirectoryMayHaveAnyName(t *testing.T) {
	t.Parallel()
	store := job.DirStates{Dir: filepath.Join(t.TempDir(), "a[b]*c?")}
	key := job.StateKey{Workspace: "default"}
	state := func(serial string) job.TerraformState {
		return job.TerraformState{Lineage: "l", Serial: uint64(serial[0] - '0'), Data: []byte(`{"version":4,"lineage":"l","serial":` + serial + `}`)}
	}
	require.NoError(t, store.Save(t.Context(), key, job.TerraformState{}, state("1")))
	require.NoError(t, store.Save(t.Context(), key, state("1"), state("2")))
	require.ErrorIs(t, store.Save(t.Context(), key, state("1"), state("3")), job.ErrStateConflict)
	got, err := store.Load(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, state("2"), got)
	unlock, err := store.Lock(t.Context(), key, job.TaskRef{TaskID: 1})
	require.NoError(t, err)
	_, err = store.Lock(t.Context(), key, job.TaskRef{TaskID: 2})
	var locked *job.LockedError
	require.ErrorAs(t, err, &locked)
	require.NoError(t, unlock())
	require.NoError(t, unlock())
}
