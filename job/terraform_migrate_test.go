package job_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// TestTerraformHeldMigrationIsRunAgain holds a run at the question about the
// state, which leaves no bundle, and runs it again with the answer.
func TestTerraformHeldMigrationIsRunAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"infra/main.tf": greeting})
	spec := b.terraform(dir)
	spec.Template.Workspace = job.Keep
	b.ok(spec)
	write(t, dir, files{"infra/backend.tf": "terraform {\n  backend \"local\" { path = \"moved.tfstate\" }\n}\n"})
	spec.Repository.Commit = commit(t, dir, "move the state")
	spec.Task.ID = taskIDs.Add(1)

	rec := &jobtest.Recorder{Answer: job.Hold}
	err := b.run(spec, rec)
	require.ErrorIs(t, err, job.ErrHeld, logOf{rec})
	require.Equal(t, job.Held, job.Conclude(err).Outcome)
	require.Len(t, rec.Prompts(), 1)
	require.Equal(t, job.AskMigrateState, rec.Prompts()[0].Kind)
	_, err = job.DirBundles{Dir: filepath.Join(b.dir, "bundles")}.Open(t.Context(), spec.Task.ID)
	require.ErrorIs(t, err, job.ErrNoBundle)

	write(t, dir, files{"infra/main.tf": "not terraform"}) // the branch moves on
	commit(t, dir, "something else")
	spec.Terraform.MigrateState, spec.Task.Attempt = true, 2
	rec = b.ok(spec)
	for _, p := range rec.Prompts() {
		require.Equal(t, job.AskApply, p.Kind)
	}
	require.FileExists(t, filepath.Join(b.dir, "project_1", "repository_1_template_1", "infra", "moved.tfstate"))
}

// TestTerraformMigrationAgreedBefore proves that a run without anything to
// migrate is not disturbed.
func TestTerraformMigrationAgreedBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.terraform(repository(t, files{"infra/main.tf": greeting}))
	spec.Terraform.MigrateState = true
	require.Contains(t, b.ok(spec).Output(), "Apply complete! Resources: 1 added")
}
