package job_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

// releasingStates is a store of an embedder's own that releases the dead.
type releasingStates struct {
	job.StateStore
	release func(unswept func(job.TaskRef) bool) error
}

func (s releasingStates) ReleaseDead(_ context.Context, unswept func(job.TaskRef) bool) error {
	return s.release(unswept)
}

func TestSweepAsksAnyStoreToReleaseTheDead(t *testing.T) {
	t.Parallel()
	failure := errors.New("no database")
	b := setup(t, func(c *job.LocalConfig) {
		c.States = releasingStates{release: func(unswept func(job.TaskRef) bool) error {
			require.False(t, unswept(job.TaskRef{TaskID: 1, Attempt: 1}))
			return failure
		}}
	})
	_, err := b.local.Sweep(t.Context())
	require.ErrorIs(t, err, failure)
}

func TestSweepReleasesTheDirectorysDead(t *testing.T) {
	t.Parallel()
	states := job.DirStates{Dir: t.TempDir()}
	dead, kept := job.TaskRef{TaskID: 7, Attempt: 1}, job.TaskRef{TaskID: 8, Attempt: 2}
	key := func(template int64) job.StateKey {
		return job.StateKey{ProjectID: 1, TemplateID: template, Workspace: "default"}
	}
	for path, text := range map[string]string{
		"project_1/template_1/default": `{"task":{"task_id":7,"attempt":1}}`,
		"project_1/template_2/default": `{"task":{"task_id":8,"attempt":2}}`,
	} {
		dir := filepath.Join(states.Dir, path)
		require.NoError(t, os.MkdirAll(dir, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "holder.json"), []byte(text), 0o600))
	}
	_, err := states.Lock(t.Context(), key(1), job.TaskRef{TaskID: 9})
	var locked *job.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, dead, locked.Holder)

	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, states.ReleaseDead(stopped, func(job.TaskRef) bool { return false }), context.Canceled)
	require.NoError(t, states.ReleaseDead(t.Context(), func(task job.TaskRef) bool { return task == kept }))
	unlock, err := states.Lock(t.Context(), key(1), job.TaskRef{TaskID: 9})
	require.NoError(t, err)
	require.NoError(t, unlock())
	_, err = states.Lock(t.Context(), key(2), job.TaskRef{TaskID: 9})
	require.ErrorAs(t, err, &locked)
	require.Equal(t, kept, locked.Holder)
}
