package export_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// many fills a store with tasks and their output, without a pool.
func many(b *testing.B, path string, tasks, lines int) {
	b.Helper()
	ctx := b.Context()
	st, err := sqlite.Open(ctx, path, sqlite.Config{})
	require.NoError(b, err)
	defer func() { require.NoError(b, st.Close()) }()
	g, err := st.Stage(ctx, store.StageOptions{})
	require.NoError(b, err)
	defer func() { require.NoError(b, g.Abort()) }()
	add := func(row any) {
		r, err := g.Record(row)
		require.NoError(b, err)
		require.NoError(b, g.Load(ctx, r))
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	add(store.Project{ID: 1, Name: "p", Created: at})
	add(store.AccessKey{ID: 1, ProjectID: 1, Name: "k", Type: store.KeyNone})
	add(store.Repository{ID: 1, ProjectID: 1, Name: "r", SSHKeyID: 1})
	add(store.Template{ID: 1, ProjectID: 1, Name: "t", RepositoryID: 1})
	output := make([]store.LogLine, lines)
	for i := range tasks {
		id := int64(i + 1)
		size := int64(0)
		for n := range output {
			output[n] = store.LogLine{Time: at.Add(time.Duration(i*n) * time.Millisecond), Attempt: 1,
				Text: fmt.Sprintf("TASK [role %d : step %d] changed: [host%d.example.org] => rc=%d", n%7, n, i%50, (i*n)%255)}
			size += int64(len(output[n].Text))
		}
		add(store.Task{ID: id, ProjectID: 1, TemplateID: 1, Status: store.Success, Created: at, LogLines: int64(lines), LogBytes: size, Attempt: 1})
		r, err := g.Lines(1, id, 0, output)
		require.NoError(b, err)
		require.NoError(b, g.Load(ctx, r))
	}
	require.NoError(b, g.Commit(ctx))
}

// peak looks at the heap until it is stopped.
func peak(b *testing.B) (stop func() uint64) {
	b.Helper()
	runtime.GC()
	var most atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse+m.StackInuse))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return most.Load()
	}
}

// BenchmarkInstance prints how long an export and an import take, and the most
// memory that each had in use: it stays the same, however many tasks there are.
// SEMAPHORE_SOAK=1 takes 100,000 tasks with 10,000,000 lines of output.
func BenchmarkInstance(b *testing.B) {
	tasks, lines := 1000, 100
	if os.Getenv("SEMAPHORE_SOAK") == "1" {
		tasks = 100_000
	}
	dir := b.TempDir()
	from := filepath.Join(dir, "from.db")
	many(b, from, tasks, lines)
	for b.Loop() {
		st, err := sqlite.Open(b.Context(), from, sqlite.Config{})
		require.NoError(b, err)
		f, err := os.Create(filepath.Join(dir, "archive"))
		require.NoError(b, err)
		began, stop := time.Now(), peak(b)
		report, err := export.WriteInstance(b.Context(), st, f, export.InstanceOptions{})
		require.NoError(b, err)
		b.ReportMetric(float64(stop())/(1<<20), "export-MB")
		b.ReportMetric(time.Since(began).Seconds(), "export-s")
		require.NoError(b, st.Close())
		require.Equal(b, int64(tasks), report.Tables["log_chunk"])

		target := filepath.Join(dir, "to.db")
		_ = os.Remove(target)
		to, err := sqlite.Open(b.Context(), target, sqlite.Config{})
		require.NoError(b, err)
		_, err = f.Seek(0, 0)
		require.NoError(b, err)
		began, stop = time.Now(), peak(b)
		_, err = export.ReadInstance(b.Context(), to, f, export.ReadInstanceOptions{})
		require.NoError(b, err)
		b.ReportMetric(float64(stop())/(1<<20), "import-MB")
		b.ReportMetric(time.Since(began).Seconds(), "import-s")
		info, err := f.Stat()
		require.NoError(b, err)
		b.ReportMetric(float64(info.Size())/(1<<20), "archive-MB")
		require.NoError(b, f.Close())
	}
}
