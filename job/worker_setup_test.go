package job_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// executorFunc is an Executor that is one function.
type executorFunc func(ctx context.Context, spec *job.Spec, sink job.Sink) error

func (f executorFunc) Run(ctx context.Context, spec *job.Spec, sink job.Sink) error {
	return f(ctx, spec, sink)
}

// shift is a Worker at work on a Source.
type shift struct {
	t      *testing.T
	source *jobtest.Source
	worker *job.Worker
	stop   context.CancelFunc // of Run's context
	done   chan error
}

// startWorker runs w on source until the test is over.
func startWorker(t *testing.T, source *jobtest.Source, w *job.Worker) *shift {
	t.Helper()
	w.Source, w.Log = source, slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	s := &shift{t: t, source: source, worker: w, stop: cancel, done: make(chan error, 1)}
	go func() { s.done <- w.Run(ctx) }()
	t.Cleanup(cancel)
	return s
}

// end waits for the results of all leases, ends the Worker, and requires that
// the contract of Source was kept.
func (s *shift) end(leases ...job.Lease) {
	s.t.Helper()
	require.NoError(s.t, s.source.Await(s.t.Context(), leases...))
	s.stop()
	s.ended()
}

// ended waits for Run.
func (s *shift) ended() {
	s.t.Helper()
	require.NoError(s.t, <-s.done)
	require.Empty(s.t, s.source.Problems())
	require.Empty(s.t, s.worker.Running())
}

// result is how a task ended.
func (s *shift) result(lease job.Lease) job.Result {
	s.t.Helper()
	res, ok := s.source.Result(lease)
	require.True(s.t, ok, "task %d has no result", lease.TaskID)
	return res
}

// after lets the bubble's time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func workerSpec(id int64) *job.Spec {
	return &job.Spec{
		Version: job.SpecVersion, App: "bash", Playbook: "run.sh",
		Task: job.Task{ID: id, ProjectID: 1}, Repository: job.Repository{URL: "/repo"},
	}
}

func task(id int64) job.Assignment { return job.Assignment{Spec: workerSpec(id)} }

// printing is an executor that prints n lines, one after each pause.
func printing(n int, pause time.Duration) *jobtest.Fake {
	return &jobtest.Fake{Script: func(*job.Spec) jobtest.Script {
		return jobtest.Script{Lines: numbered(n), Delay: pause}
	}}
}

func numbered(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("line %d", i)
	}
	return texts
}

func joined(texts []string) string { return strings.Join(texts, "\n") + "\n" }

// untilStopped is an executor that ends when it is asked to.
var untilStopped = executorFunc(func(ctx context.Context, _ *job.Spec, _ job.Sink) error {
	<-ctx.Done()
	return context.Cause(ctx)
})
