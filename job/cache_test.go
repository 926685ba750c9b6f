package job_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestCachesAreClearedButNotUnderARun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hold := filepath.Join(t.TempDir(), "hold")
	dir := repository(t, files{"run.sh": "touch \"$SEMAPHORE_CACHE_DIR/kept\"\necho ready\nwhile [ -e " + hold + " ]; do sleep 0.02; done\n"})
	spec := func(project int64) *job.Spec {
		s := b.spec("bash", "run.sh", dir)
		s.Task.ProjectID = project
		return s
	}
	cached := func(name string) []string {
		var found []string
		for _, pattern := range []string{name, filepath.Join("mirrors", name)} {
			dirs, err := filepath.Glob(filepath.Join(b.dir, pattern))
			require.NoError(t, err)
			found = append(found, dirs...)
		}
		return found
	}
	b.ok(spec(7))
	b.ok(spec(8))
	require.Len(t, cached("project_7"), 2, "a mirror and a directory of its own")

	require.NoError(t, os.WriteFile(hold, nil, 0o600))
	ready := make(chan struct{}, 1)
	rec := &jobtest.Recorder{OnLine: func(l job.Line) {
		if l.Text == "ready" {
			ready <- struct{}{}
		}
	}}
	done := make(chan error, 1)
	go func() { done <- b.local.Run(t.Context(), spec(7), rec) }()
	<-ready
	require.ErrorIs(t, b.local.ClearCaches(t.Context(), 7), job.ErrCacheInUse)
	require.ErrorIs(t, b.local.ClearCaches(t.Context(), 0), job.ErrCacheInUse, "the others are cleared all the same")
	require.Len(t, cached("project_7"), 2)
	require.Empty(t, cached("project_8"))

	other, err := job.NewLocal(b.dir, b.cfg) // as another process would be
	require.NoError(t, err)
	require.ErrorIs(t, other.ClearCaches(t.Context(), 8), job.ErrCacheInUse, "who knows what a foreign run works on")

	require.NoError(t, os.Remove(hold))
	require.NoError(t, <-done)
	require.NoError(t, b.local.ClearCaches(t.Context(), 7))
	require.Empty(t, cached("project_7*"))
	b.ok(spec(7))
}
