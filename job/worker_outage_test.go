package job_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestWorkerAppendsUntilItIsAnswered(t *testing.T) {
	for name, source := range map[string]*jobtest.Source{
		"three calls that fail": {Fail: func(c jobtest.SourceCall) error {
			if c.Method == jobtest.Append && c.N <= 3 {
				return errDown
			}
			return nil
		}},
		"every answer lost twice": {Lose: func(c jobtest.SourceCall) error {
			if (c.Method == jobtest.Append || c.Method == jobtest.Finish) && c.N%3 != 0 {
				return errDown
			}
			return nil
		}},
		"calls that hang": {Delay: func(c jobtest.SourceCall) time.Duration {
			if c.Method == jobtest.Append && c.N == 2 {
				return time.Hour
			}
			return 0
		}},
		"calls that panic": {Fail: func(c jobtest.SourceCall) error {
			if c.N == 1 && c.Method != jobtest.Claim {
				panic(c.Method)
			}
			return nil
		}},
		"a finish that fails": {Fail: func(c jobtest.SourceCall) error {
			if c.Method == jobtest.Finish && c.N <= 50 {
				return errDown
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				lease := source.Add(task(1))[0]
				s := startWorker(t, source, &job.Worker{Executor: printing(20, time.Second)})
				s.end(lease)
				require.Equal(t, joined(numbered(20)), source.Output(lease))
				require.Equal(t, job.Success, s.result(lease).Outcome)
				if source.Lose != nil {
					require.NotZero(t, source.Duplicates(lease))
				}
			})
		})
	}
}

// TestWorkerOutlivesAnOutage takes the Source away while thirty tasks run.
func TestWorkerOutlivesAnOutage(t *testing.T) {
	for name, c := range map[string]struct {
		outage, lostAfter time.Duration
	}{
		"of 90 s, as a database's failover":              {90 * time.Second, 10 * time.Minute},
		"of an hour, where there is no other attempt":    {time.Hour, 0},
		"of seconds, where another attempt starts early": {14 * time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			outputTest(t, func(t *testing.T) {
				source := &jobtest.Source{}
				var leases []job.Lease
				for id := range int64(30) {
					a := task(id + 1)
					a.LostAfter = c.lostAfter
					leases = append(leases, source.Add(a)...)
				}
				pause := c.outage / 10
				s := startWorker(t, source, &job.Worker{Capacity: 30, Executor: printing(15, pause)})
				after(3 * pause)
				source.SetDown(true)
				after(c.outage)
				require.Len(t, s.worker.Running(), 30)
				source.SetDown(false)
				s.end(leases...)
				for _, lease := range leases {
					require.Equal(t, job.Success, s.result(lease).Outcome)
					require.Equal(t, joined(numbered(15)), source.Output(lease))
				}
			})
		})
	}
}

// TestWorkerEndsAToolBeforeAnotherAttempt proves the order of stop, kill and
// loss for a Source that fails and for one that hangs.
func TestWorkerEndsAToolBeforeAnotherAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		app              string
		lostAfter, grace time.Duration
		stop, kill       time.Duration // after the last extension
	}{
		"a script":                  {"bash", 30 * time.Second, 0, 20 * time.Second, 27 * time.Second},
		"a script, much time":       {"bash", 10 * time.Minute, 0, 450 * time.Second, 9 * time.Minute},
		"terraform":                 {"terraform", 10 * time.Minute, 0, 5 * time.Minute, 9 * time.Minute},
		"terraform, little time":    {"terraform", 30 * time.Second, 0, 15 * time.Second, 27 * time.Second},
		"a grace of the template's": {"bash", 10 * time.Minute, 4 * time.Minute, 6 * time.Minute, 9 * time.Minute},
	} {
		for _, hangs := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the source hangs: %v", name, hangs), func(t *testing.T) {
				outputTest(t, func(t *testing.T) {
					source, setGone := leaving(hangs)
					a := task(1)
					a.Spec.App, a.Spec.Limits.StopGrace, a.LostAfter = c.app, c.grace, c.lostAfter
					lease := source.Add(a)[0]
					e := &stubborn{until: "kill"}
					s := startWorker(t, source, &job.Worker{Executor: e})
					after(21 * time.Second)
					require.Equal(t, 4, source.Extended(lease))
					contact := 20 * time.Second
					setGone(true)
					after(c.lostAfter - 2*time.Second)
					require.Equal(t, map[string]time.Duration{"stop": contact + c.stop, "force": contact + c.kill, "kill": contact + c.kill}, e.times())

					setGone(false)
					s.end(lease)
					require.Equal(t, job.Failure, s.result(lease).Outcome)
					require.Contains(t, s.result(lease).Message, "lease lost: no answer for "+c.stop.String())
					require.Contains(t, source.System(lease), "another attempt may start after "+c.lostAfter.String())
				})
			})
		}
	}
}

// leaving is a Source that can be made to fail, or to hang.
func leaving(hangs bool) (source *jobtest.Source, setGone func(bool)) {
	var gone atomic.Bool
	return &jobtest.Source{
		Fail: func(jobtest.SourceCall) error {
			if gone.Load() {
				return errDown
			}
			return nil
		},
		Delay: func(jobtest.SourceCall) time.Duration {
			if gone.Load() && hangs {
				return 24 * time.Hour
			}
			return 0
		},
	}, gone.Store
}

// flood prints n lines of 1 KiB in batches of ten and counts them.
func flood(n int, printed *atomic.Int64) executorFunc {
	return func(ctx context.Context, _ *job.Spec, sink job.Sink) error {
		for range n / 10 {
			var lines []job.Line
			for range 10 {
				lines = append(lines, job.Line{Text: strings.Repeat("x", 1023)})
			}
			if err := sink.Lines(ctx, lines); err != nil {
				return err
			}
			printed.Add(10)
		}
		return sink.Status(ctx, job.Status{State: job.Running, Phase: job.PhaseApply})
	}
}

func TestWorkerHoldsAToolBackWithoutASpool(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{Fail: func(c jobtest.SourceCall) error {
			if c.Method == jobtest.Append && c.N < 10 {
				return errDown
			}
			return nil
		}}
		lease := source.Add(task(1))[0]
		var printed atomic.Int64
		s := startWorker(t, source, &job.Worker{Memory: 64 << 10, Executor: flood(1000, &printed)})
		after(time.Second)
		require.InDelta(t, 60, printed.Load(), 10)
		s.end(lease)
		require.Len(t, source.Output(lease), 1000<<10)
	})
}

func TestWorkerSpoolsWhatMemoryCannotHold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		lease := source.Add(task(1))[0]
		var printed atomic.Int64
		var back atomic.Bool
		source.Fail = func(c jobtest.SourceCall) error {
			if c.Method == jobtest.Append && !back.Load() {
				return errDown
			}
			return nil
		}
		s := startWorker(t, source, &job.Worker{Memory: 64 << 10, Spool: dir, Executor: flood(1000, &printed)})
		after(time.Millisecond)
		require.EqualValues(t, 1000, printed.Load(), "nothing waits")
		spooled, err := filepath.Glob(filepath.Join(dir, "reports-*"))
		require.NoError(t, err)
		require.Len(t, spooled, 1)
		info, err := os.Stat(spooled[0])
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		require.Greater(t, info.Size(), int64(900<<10))

		second := &job.Worker{Source: source, Executor: untilStopped, Spool: dir}
		require.ErrorContains(t, second.Run(t.Context()), "in use by another worker")

		back.Store(true)
		s.end(lease)
		require.Len(t, source.Output(lease), 1000<<10)
		lines := 0
		for _, r := range source.Reports(lease) {
			if r.Status != nil && r.Status.Phase == job.PhaseApply {
				break
			}
			lines += len(r.Lines)
		}
		require.Equal(t, 1000, lines, "in order, out of memory and file")
		spooled, err = filepath.Glob(filepath.Join(dir, "reports-*"))
		require.NoError(t, err)
		require.Empty(t, spooled)
	})
}

func TestWorkerClearsTheSpoolOfADeadOne(t *testing.T) {
	t.Parallel()
	dir := directory(t, files{"reports-123": "left", "other": "kept"})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, (&job.Worker{Source: &jobtest.Source{}, Executor: untilStopped, Spool: dir}).Run(ended))
	require.NoFileExists(t, filepath.Join(dir, "reports-123"))
	require.FileExists(t, filepath.Join(dir, "other"))
}

func TestWorkerTellsThatASpoolWasDamaged(t *testing.T) {
	dir := t.TempDir()
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{}
		lease := source.Add(task(1))[0]
		var printed atomic.Int64
		var back atomic.Bool
		source.Fail = func(c jobtest.SourceCall) error {
			if c.Method == jobtest.Append && !back.Load() {
				return errDown
			}
			return nil
		}
		s := startWorker(t, source, &job.Worker{Memory: 20 << 10, Spool: dir, Executor: flood(100, &printed)})
		after(10 * time.Second)
		spooled, err := filepath.Glob(filepath.Join(dir, "reports-*"))
		require.NoError(t, err)
		require.Len(t, spooled, 1)
		require.NoError(t, os.WriteFile(spooled[0], []byte("not a spool"), 0o600))
		back.Store(true)
		s.end(lease)
		require.Contains(t, source.System(lease), "output is missing here")
		require.Equal(t, job.Success, s.result(lease).Outcome)
	})
}
