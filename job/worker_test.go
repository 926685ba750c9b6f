package job_test

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestWorkerRunsATaskToItsEnd(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		a := task(7)
		a.NextSeq = 40
		source := &jobtest.Source{}
		lease := source.Add(a)[0]
		fake := &jobtest.Fake{Script: func(*job.Spec) jobtest.Script {
			return jobtest.Script{Lines: []string{"one", "two"}, Delay: 6 * time.Second, Commit: job.Commit{Hash: "abc"}}
		}}
		s := startWorker(t, source, &job.Worker{Executor: fake})
		after(time.Second)
		require.Equal(t, []job.Lease{lease}, s.worker.Running())
		s.end(lease)

		require.Equal(t, job.Result{Outcome: job.Success}, s.result(lease))
		require.Equal(t, "one\ntwo\n", source.Output(lease))
		require.Equal(t, 3, source.Extended(lease), "every third of 15 s in 18 s")
		reports := source.Reports(lease)
		require.LessOrEqual(t, len(reports), 4)
		require.Equal(t, job.Running, reports[0].Status.State)
		require.Equal(t, "abc", together(reports).Commit.Hash)
		for i, r := range reports {
			require.Equal(t, int64(40+i), r.Seq)
		}
	})
}

func TestWorkerReportsEverything(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		lease := source.Add(task(1))[0]
		s := startWorker(t, source, &job.Worker{Executor: executorFunc(func(ctx context.Context, _ *job.Spec, sink job.Sink) error {
			require.NoError(t, sink.HostKey(ctx, job.HostKey{Host: "h", Key: "k"}))
			require.NoError(t, sink.(job.CommandSink).Command(ctx, []string{"bash", "run.sh"}))
			require.NoError(t, sink.Plan(ctx, job.PlanSummary{Add: 1}))
			answer, err := sink.Confirm(ctx, job.Prompt{Kind: job.AskApply, Text: "?"})
			require.NoError(t, err)
			require.Equal(t, job.Hold, answer)
			return job.ErrHeld
		})})
		s.end(lease)
		require.Equal(t, job.Held, s.result(lease).Outcome)
		require.Equal(t, job.Report{
			HostKeys: []job.HostKey{{Host: "h", Key: "k"}},
			Commands: [][]string{{"bash", "run.sh"}},
			Plan:     &job.PlanSummary{Add: 1},
			Prompt:   &job.Prompt{Kind: job.AskApply, Text: "?"},
		}, together(source.Reports(lease)))
	})
}

// together is what all reports say, whichever of them said it.
func together(reports []job.Report) (all job.Report) {
	for _, r := range reports {
		all.Status, all.Commit = cmp.Or(r.Status, all.Status), cmp.Or(r.Commit, all.Commit)
		all.Plan, all.Prompt = cmp.Or(r.Plan, all.Plan), cmp.Or(r.Prompt, all.Prompt)
		all.HostKeys = append(all.HostKeys, r.HostKeys...)
		all.Commands = append(all.Commands, r.Commands...)
	}
	return all
}

// TestWorkerGathersWhatComesTogether keeps a short run to few calls, and lines
// behind the phase that they belong to.
func TestWorkerGathersWhatComesTogether(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		lease := source.Add(task(1))[0]
		s := startWorker(t, source, &job.Worker{Executor: executorFunc(func(ctx context.Context, _ *job.Spec, sink job.Sink) error {
			for _, phase := range []job.Phase{job.PhasePrepare, job.PhaseRepository, job.PhasePlan} {
				require.NoError(t, sink.Status(ctx, job.Status{State: job.Running, Phase: phase}))
			}
			require.NoError(t, sink.Lines(ctx, []job.Line{{Text: "planned"}}))
			require.NoError(t, sink.Status(ctx, job.Status{State: job.Running, Phase: job.PhaseApply}))
			require.NoError(t, sink.Lines(ctx, []job.Line{{Text: "applied"}}))
			return sink.Status(ctx, job.Status{State: job.Running, Phase: job.PhaseFinish})
		})})
		s.end(lease)
		phase := job.Phase("")
		for _, r := range source.Reports(lease) {
			if r.Status != nil {
				phase = r.Status.Phase
			}
			for _, line := range r.Lines {
				require.Equal(t, map[string]job.Phase{"planned": job.PhasePlan, "applied": job.PhaseApply}[line.Text], phase)
			}
		}
		require.LessOrEqual(t, len(source.Reports(lease)), 4)
	})
}

// TestWorkerEndsWhatCannotRun ends tasks as failures that tell why.
func TestWorkerEndsWhatCannotRun(t *testing.T) {
	invalid := workerSpec(2)
	invalid.Playbook = "../outside.sh"
	for name, c := range map[string]struct {
		spec     *job.Spec
		executor job.Executor
		says     string
	}{
		"no spec":             {spec: nil, executor: untilStopped, says: "spec: is missing"},
		"an invalid spec":     {spec: invalid, executor: untilStopped, says: `playbook: "../outside.sh" leaves`},
		"no executor":         {spec: workerSpec(1), says: `app: "bash" has no executor here`},
		"an executor's error": {spec: workerSpec(1), executor: &jobtest.Fake{Script: func(*job.Spec) jobtest.Script { return jobtest.Script{Err: errDown} }}, says: "down"},
		"a panic":             {spec: workerSpec(1), executor: executorFunc(func(context.Context, *job.Spec, job.Sink) error { panic("boom") }), says: "executor panicked: boom"},
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				source := &jobtest.Source{}
				lease := source.Add(job.Assignment{Spec: c.spec})[0]
				choose := func(*job.Spec) job.Executor { return nil }
				s := startWorker(t, source, &job.Worker{Executor: c.executor, Choose: choose})
				s.end(lease)
				require.Equal(t, job.Failure, s.result(lease).Outcome)
				require.Contains(t, s.result(lease).Message, c.says)
				require.Contains(t, source.System(lease), c.says, "people look into the output")
			})
		})
	}
}

func TestWorkerChoosesAnExecutor(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		special := task(2)
		special.Spec.App = "python"
		leases := source.Add(task(1), special)
		s := startWorker(t, source, &job.Worker{
			Executor: printing(1, 0), Choose: func(spec *job.Spec) job.Executor {
				if spec.App == "python" {
					return printing(2, 0)
				}
				return nil
			},
		})
		s.end(leases...)
		require.Equal(t, joined(numbered(1)), source.Output(leases[0]))
		require.Equal(t, joined(numbered(2)), source.Output(leases[1]))
	})
}

// greedy is a Source that hands out everything at once.
type greedy struct{ *jobtest.Source }

func (g greedy) Claim(ctx context.Context, _ int) ([]job.Assignment, error) {
	return g.Source.Claim(ctx, 1000)
}

func TestWorkerNeverRunsMoreThanItsCapacity(t *testing.T) {
	for name, wrap := range map[string]func(*jobtest.Source) job.Source{
		"that it asked for":  func(s *jobtest.Source) job.Source { return s },
		"that it was handed": func(s *jobtest.Source) job.Source { return greedy{s} },
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				source := &jobtest.Source{}
				var leases []job.Lease
				for id := range int64(20) {
					leases = append(leases, source.Add(task(id+1))...)
				}
				var now, most atomic.Int64
				w := &job.Worker{Capacity: 3, Source: wrap(source), Executor: executorFunc(func(context.Context, *job.Spec, job.Sink) error {
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(time.Second)
					now.Add(-1)
					return nil
				})}
				begun := time.Now()
				done := make(chan error, 1)
				go func() { done <- w.Run(t.Context()) }()
				require.NoError(t, source.Await(t.Context(), leases...))
				w.Drain()
				require.NoError(t, <-done)
				require.EqualValues(t, 3, most.Load())
				require.Equal(t, 7*time.Second, time.Since(begun), "and never fewer")
			})
		})
	}
}

func TestWorkerClaimsAgainAfterFailures(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{Poll: time.Millisecond, Fail: func(c jobtest.SourceCall) error {
			switch {
			case c.Method == jobtest.Claim && c.N == 5:
				panic("claim")
			case c.Method == jobtest.Claim && c.N < 10:
				return errDown
			default:
				return nil
			}
		}}
		s := startWorker(t, source, &job.Worker{Executor: printing(1, 0)})
		after(time.Minute)
		calls := source.Calls(jobtest.Claim)
		require.Greater(t, calls, 100)
		require.Less(t, calls, 1000, "a source that does not wait is not flooded")
		s.end(source.Add(task(1))...)
	})
}

func TestWorkerDrains(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		first := source.Add(task(1))[0]
		s := startWorker(t, source, &job.Worker{Capacity: 2, Executor: printing(3, time.Minute)})
		after(time.Second)
		s.worker.Drain()
		s.worker.Drain()
		synctest.Wait()
		second := source.Add(task(2))[0]
		s.ended()
		require.Equal(t, job.Success, s.result(first).Outcome)
		require.Equal(t, joined(numbered(3)), source.Output(first))
		_, claimed := source.Result(second)
		require.False(t, claimed)
	})
}

func TestWorkerThatCannotBegin(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, (&job.Worker{Executor: untilStopped}).Run(t.Context()), "no Source")
	require.ErrorContains(t, (&job.Worker{Source: &jobtest.Source{}}).Run(t.Context()), "no Executor")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	w := &job.Worker{Source: &jobtest.Source{}, Executor: untilStopped}
	require.NoError(t, w.Run(ended))
	require.ErrorContains(t, w.Run(ended), "runs once")
}

// TestWorkerWithLocalJob runs a real script through a Source that fails now and
// then.
func TestWorkerWithLocalJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	source := &jobtest.Source{Fail: func(c jobtest.SourceCall) error {
		if c.N%2 == 1 {
			return errors.New("try again")
		}
		return nil
	}}
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "echo hello; exit 3\n"}))
	lease := source.Add(job.Assignment{Spec: spec})[0]
	s := startWorker(t, source, &job.Worker{Executor: b.local, Spool: filepath.Join(b.links, "spool")})
	s.end(lease)
	require.Equal(t, 3, s.result(lease).ExitCode)
	require.Equal(t, "hello\n", source.Output(lease))
	var commands [][]string
	for _, r := range source.Reports(lease) {
		if r.Commands != nil {
			commands = append(commands, r.Commands...)
		}
	}
	require.Equal(t, [][]string{{"bash", "run.sh"}}, commands)
}
