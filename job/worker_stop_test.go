package job_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// stubborn is an executor that notes when it was stopped, forced and killed,
// and ends at the level that it gives in to.
type stubborn struct {
	until string // stop, force, kill

	mu    sync.Mutex
	begun time.Time
	at    map[string]time.Duration
}

func (e *stubborn) Run(ctx context.Context, _ *job.Spec, sink job.Sink) error {
	e.mu.Lock()
	e.begun, e.at = time.Now(), map[string]time.Duration{}
	e.mu.Unlock()
	for _, level := range []struct {
		name string
		is   <-chan struct{}
	}{{"stop", ctx.Done()}, {"force", job.Forced(ctx)}, {"kill", job.Killed(ctx)}} {
		<-level.is
		e.mu.Lock()
		e.at[level.name] = time.Since(e.begun)
		e.mu.Unlock()
		if level.name == e.until {
			break
		}
	}
	return errors.Join(sink.Lines(ctx, []job.Line{{Text: "last words"}}), context.Cause(ctx))
}

func (e *stubborn) times() map[string]time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.at
}

func TestWorkerPassesSignalsOn(t *testing.T) {
	for name, c := range map[string]struct {
		signals []job.Signal
		want    job.Result
	}{
		"a stop":            {[]job.Signal{{Stop: job.StopGentle}}, job.Result{Outcome: job.Stopped, Message: "task stopped"}},
		"a time-out":        {[]job.Signal{{Stop: job.StopGentle, Cause: job.CauseTimeout}}, job.Result{Outcome: job.Failure, Message: "task timed out", Cause: job.CauseTimeout}},
		"a shut-down":       {[]job.Signal{{Stop: job.StopGentle, Cause: job.CauseShutdown}}, job.Result{Outcome: job.Stopped, Message: "task stopped: server shut down", Cause: job.CauseShutdown}},
		"force at once":     {[]job.Signal{{Stop: job.StopForce, Cause: job.CauseTimeout}}, job.Result{Outcome: job.Failure, Message: "task timed out", Cause: job.CauseTimeout}},
		"kill at once":      {[]job.Signal{{Stop: job.StopKill}}, job.Result{Outcome: job.Stopped, Message: "task stopped"}},
		"each, one by one":  {[]job.Signal{{Stop: job.StopGentle, Cause: "alice"}, {Stop: job.StopForce}, {Stop: job.StopKill}}, job.Result{Outcome: job.Stopped, Message: "task stopped"}},
		"repeated, reduced": {[]job.Signal{{Stop: job.StopForce}, {Stop: job.StopGentle, Cause: job.CauseTimeout}, {}, {Stop: job.StopForce}}, job.Result{Outcome: job.Stopped, Message: "task stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				source := &jobtest.Source{}
				lease := source.Add(task(1))[0]
				last := job.StopNone
				for _, s := range c.signals {
					if s.Stop == job.StopKill || s.Stop == job.StopForce && last != job.StopKill || last == job.StopNone {
						last = s.Stop
					}
				}
				e := &stubborn{until: string(last)}
				s := startWorker(t, source, &job.Worker{Executor: e})
				after(time.Second)
				want := map[string]time.Duration{}
				for _, signal := range c.signals {
					signal.Lease = lease
					source.Signal(signal)
					source.Wake()
					for level, reaches := range map[string]bool{
						"stop": signal.Stop != job.StopNone, "force": signal.Stop == job.StopForce || signal.Stop == job.StopKill, "kill": signal.Stop == job.StopKill,
					} {
						if _, told := want[level]; reaches && !told {
							want[level] = time.Since(e.begun)
						}
					}
					after(time.Second)
					require.Equal(t, want, e.times())
				}
				s.end(lease)
				require.Equal(t, c.want, s.result(lease))
			})
		})
	}
}

func TestWorkerHearsASignalWithTheNextExtension(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		a, other := task(1), task(2)
		a.TTL = 6 * time.Second
		leases := source.Add(a, other)
		e := &stubborn{until: "stop"}
		s := startWorker(t, source, &job.Worker{Capacity: 2, Choose: func(spec *job.Spec) job.Executor {
			if spec.Task.ID == 1 {
				return e
			}
			return printing(3, time.Minute)
		}})
		after(time.Second)
		source.Signal(job.Signal{Lease: leases[0], Stop: job.StopGentle})
		s.end(leases...)
		require.Equal(t, 2*time.Second, e.times()["stop"], "a third of the shortest lease")
		require.Equal(t, job.Success, s.result(leases[1]).Outcome)
	})
}

// TestWorkerKillsWhatIsGone proves that a lease which is not valid any more ends
// its tool at once, and that what the tool still said is offered.
func TestWorkerKillsWhatIsGone(t *testing.T) {
	for name, learn := range map[string]func(*shift, job.Lease){
		"told by an extension": func(s *shift, _ job.Lease) { s.source.Wake() },
		"told by a report":     func(*shift, job.Lease) {},
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				source := &jobtest.Source{}
				a := task(1)
				a.TTL = time.Hour
				lease := source.Add(a)[0]
				e := &stubborn{until: "kill"}
				s := startWorker(t, source, &job.Worker{Executor: executorFunc(func(ctx context.Context, spec *job.Spec, sink job.Sink) error {
					var printing sync.WaitGroup
					defer printing.Wait()
					printing.Go(func() {
						time.Sleep(2 * time.Second)
						_ = sink.Lines(ctx, []job.Line{{Text: "more"}})
					})
					return e.Run(ctx, spec, sink)
				})})
				after(time.Second)
				source.Revoke(lease)
				learn(s, lease)
				s.end(lease)
				require.LessOrEqual(t, e.times()["kill"], 2*time.Second)
				require.Contains(t, s.result(lease).Message, "lease lost")
				require.Contains(t, source.Output(lease), "last words")
				require.Equal(t, 1, source.Calls(jobtest.Finish), "a refused end is not told again")
			})
		})
	}
}

func TestWorkerShutsDown(t *testing.T) {
	for name, c := range map[string]struct {
		executor job.Executor
		grace    time.Duration
		hurry    time.Duration // after the end of the context; 0 for never
		want     job.Result
		took     time.Duration
	}{
		"and awaits what ends by itself": {executor: printing(4, time.Second), want: job.Result{Outcome: job.Success}, took: 4 * time.Second},
		"and stops what does not":        {executor: untilStopped, want: job.Conclude(job.ErrShutdown), took: 8 * time.Second},
		"with a grace of its own":        {executor: untilStopped, grace: time.Minute, want: job.Conclude(job.ErrShutdown), took: time.Minute},
		"at once":                        {executor: untilStopped, grace: -1, want: job.Conclude(job.ErrShutdown)},
		"and hurries instead of waiting": {executor: &stubborn{until: "force"}, hurry: 2 * time.Second, want: job.Conclude(job.ErrShutdown), took: 2 * time.Second},
		"and hurries what is stopped":    {executor: &stubborn{until: "force"}, hurry: 20 * time.Second, want: job.Conclude(job.ErrShutdown), took: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				source := &jobtest.Source{}
				lease := source.Add(task(1))[0]
				s := startWorker(t, source, &job.Worker{Executor: c.executor, ShutdownGrace: c.grace})
				after(time.Second)
				s.stop()
				begun := time.Now()
				waiting := source.Add(task(2))[0]
				if c.hurry > 0 {
					after(c.hurry)
					s.worker.Hurry()
					s.worker.Hurry()
				}
				s.ended()
				require.Equal(t, c.took, time.Since(begun))
				require.Equal(t, c.want, s.result(lease))
				_, claimed := source.Result(waiting)
				require.False(t, claimed)
			})
		})
	}
}

func TestWorkerShutsDownWithoutASource(t *testing.T) {
	t.Run("that comes back", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			source := &jobtest.Source{}
			lease := source.Add(task(1))[0]
			s := startWorker(t, source, &job.Worker{Executor: printing(3, time.Second)})
			after(time.Second)
			source.SetDown(true)
			s.stop()
			after(4 * time.Minute)
			source.SetDown(false)
			s.ended()
			require.Equal(t, job.Success, s.result(lease).Outcome)
			require.Equal(t, joined(numbered(3)), source.Output(lease))
		})
	})
	t.Run("that does not", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			source := &jobtest.Source{}
			lease := source.Add(task(1))[0]
			var e stubborn
			s := startWorker(t, source, &job.Worker{Memory: 1, Executor: executorFunc(func(ctx context.Context, spec *job.Spec, sink job.Sink) error {
				e.until = "stop"
				_ = sink.Lines(ctx, []job.Line{{Text: "first"}})
				return errors.Join(e.Run(ctx, spec, sink), sink.Lines(ctx, []job.Line{{Text: "waits for room"}}))
			})})
			after(time.Second)
			source.SetDown(true)
			s.stop()
			begun := time.Now()
			s.ended()
			require.InDelta(t, 5*time.Minute+8*time.Second, time.Since(begun), float64(15*time.Second))
			_, told := source.Result(lease)
			require.False(t, told, "an end is not told before what comes before it")
		})
	})
}

func TestWorkerReturnsWhatWasClaimedTooLate(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{Delay: func(c jobtest.SourceCall) time.Duration {
			if c.Method == jobtest.Claim {
				return time.Hour
			}
			return 0
		}}
		lease := source.Add(task(1))[0]
		ran := false
		s := startWorker(t, source, &job.Worker{Executor: executorFunc(func(ctx context.Context, _ *job.Spec, _ job.Sink) error {
			ran = ctx.Err() == nil
			return context.Cause(ctx)
		})})
		after(time.Second)
		s.stop()
		s.ended()
		require.Equal(t, job.Returned, s.result(lease).Outcome)
		require.False(t, ran)
	})
}

// TestWorkerPreparesBesideOthers lets what is slow to prepare hold up nothing.
func TestWorkerPreparesBesideOthers(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		slow, refused, later := task(1), task(2), task(3)
		slow.Prepare = func(ctx context.Context) (*job.Spec, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		refused.Prepare = func(context.Context) (*job.Spec, error) { return nil, errors.New("key 7 was deleted") }
		later.Prepare = func(context.Context) (*job.Spec, error) { return nil, fmt.Errorf("%w: vault is away", job.ErrNotBegun) }
		for id, a := range map[int64]*job.Assignment{1: &slow, 2: &refused, 3: &later} {
			a.Spec, a.Lease.TaskID = nil, id
		}
		leases := source.Add(slow, refused, later, task(4))
		s := startWorker(t, source, &job.Worker{Capacity: 4, Executor: printing(1, 0)})
		after(time.Second)
		require.Equal(t, job.Success, s.result(leases[3]).Outcome)
		require.Contains(t, s.result(leases[1]).Message, "was deleted")
		require.Contains(t, source.System(leases[1]), "was deleted")
		require.Equal(t, job.Returned, s.result(leases[2]).Outcome)
		require.Empty(t, source.System(leases[2]))
		source.Signal(job.Signal{Lease: leases[0], Stop: job.StopGentle})
		source.Wake()
		after(time.Second)
		require.Equal(t, job.Stopped, s.result(leases[0]).Outcome)
		s.stop()
		s.ended()
	})
}
