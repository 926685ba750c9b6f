package job_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// stored is a source that keeps what it is told, each number once.
type stored struct {
	job.Source
	reports []job.Report
	lease   job.Lease
	answer  func() error // what it says, having stored it. Defaults to nil.
}

func (s *stored) Append(_ context.Context, l job.Lease, r job.Report) error {
	if n := len(s.reports); n == 0 || r.Seq > s.reports[n-1].Seq {
		s.reports, s.lease = append(s.reports, r), l
	}
	if s.answer != nil {
		return s.answer()
	}
	return nil
}

func (s *stored) text() string {
	var b strings.Builder
	for _, r := range s.reports {
		for _, l := range r.Lines {
			b.WriteString(l.Text + "\n")
		}
	}
	return b.String()
}

func (s *stored) worker(dir string) *job.Worker {
	return &job.Worker{Source: s, Executor: untilStopped, Spool: dir, Log: slog.New(slog.DiscardHandler)}
}

// counting prints n lines of 1 KiB, each another one, and counts them.
func counting(n int, printed *atomic.Int64) executorFunc {
	return func(ctx context.Context, _ *job.Spec, sink job.Sink) error {
		for i := range n {
			if err := sink.Lines(ctx, []job.Line{{Text: fmt.Sprintf("%01023d", i)}}); err != nil {
				return err
			}
			printed.Add(1)
		}
		return nil
	}
}

// killed copies the spool of a Worker while its source is away, as a kill leaves
// it. So many reports were taken before.
func killed(t *testing.T, taken int) (dir string, before []job.Report, lease job.Lease, all string) {
	t.Helper()
	spool := t.TempDir()
	dir = t.TempDir()
	outputTest(t, func(t *testing.T) {
		var back atomic.Bool
		source := &jobtest.Source{Fail: func(c jobtest.SourceCall) error {
			if c.Method == jobtest.Append && c.N > taken && !back.Load() {
				return errDown
			}
			return nil
		}}
		a := task(1)
		a.NextSeq = 1
		lease = source.Add(a)[0]
		var printed atomic.Int64
		s := startWorker(t, source, &job.Worker{Memory: 64 << 10, Spool: spool, Executor: counting(1000, &printed)})
		after(time.Second)
		require.EqualValues(t, 1000, printed.Load())
		before = source.Reports(lease)
		copied, err := filepath.Glob(filepath.Join(spool, "reports-*"))
		require.NoError(t, err)
		require.Len(t, copied, 1)
		text, err := os.ReadFile(copied[0])
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(copied[0])), text, 0o600))
		back.Store(true)
		s.end(lease)
		all = source.Output(lease)
	})
	return dir, before, lease, all
}

func TestWorkerDeliversWhatADeadOneHasSpooled(t *testing.T) {
	t.Parallel()
	for _, taken := range []int{0, 1, 3, 20} {
		t.Run(fmt.Sprintf("%d reports were taken before", taken), func(t *testing.T) {
			dir, before, lease, all := killed(t, taken)
			require.Len(t, before, taken)
			source := &stored{reports: before}
			require.NoError(t, source.worker(dir).Recover(t.Context()))
			require.Equal(t, lease, source.lease)
			require.Equal(t, all, source.text(), "what was in memory, and what was in the file")
			for i, r := range source.reports {
				require.EqualValues(t, i+1, r.Seq, "no number is left out")
			}
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, left, 1, "the lock alone")
		})
	}
}

func TestWorkerDeliversWhatIsWholeOfASpool(t *testing.T) {
	dir, before, _, all := killed(t, 1)
	files, err := filepath.Glob(filepath.Join(dir, "reports-*"))
	require.NoError(t, err)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for _, cut := range []int{0, 3, 4, 60, len(text) / 2, len(text) - 1} {
		require.NoError(t, os.WriteFile(files[0], text[:cut], 0o600))
		source := &stored{reports: before[:len(before):len(before)]}
		require.NoError(t, source.worker(dir).Recover(t.Context()))
		require.NoFileExists(t, files[0])
		require.True(t, strings.HasPrefix(all, source.text()), cut)
		if cut == len(text)-1 {
			require.Greater(t, len(source.text()), len(all)*9/10)
		}
		for i, r := range source.reports {
			require.EqualValues(t, i+1, r.Seq)
		}
	}
}

func TestWorkerKeepsASpoolThatNobodyHasTaken(t *testing.T) {
	dir, before, _, all := killed(t, 1)
	away := &stored{reports: before[:len(before):len(before)], answer: func() error { return errDown }}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.NoError(t, away.worker(dir).Recover(ctx))
	late := &stored{reports: before[:len(before):len(before)], answer: func() error { return job.ErrLeaseLost }}
	require.NoError(t, late.worker(dir).Recover(t.Context()), "what comes too late is offered all the same")
	require.Equal(t, all, late.text())
}

func TestWorkerLeavesToTheNextOneWhatAShutDownDidNotDeliver(t *testing.T) {
	spool := t.TempDir()
	var lease job.Lease
	outputTest(t, func(t *testing.T) {
		source := &jobtest.Source{Fail: func(c jobtest.SourceCall) error {
			if c.Method == jobtest.Append {
				return errDown
			}
			return nil
		}}
		a := task(1)
		a.NextSeq = 1
		lease = source.Add(a)[0]
		s := startWorker(t, source, &job.Worker{Spool: spool, Executor: printing(10, 0), FinishTimeout: time.Second})
		after(time.Second)
		s.stop()
		s.ended()
	})
	source := &stored{}
	require.NoError(t, source.worker(spool).Recover(t.Context()))
	require.Equal(t, lease, source.lease)
	require.Equal(t, joined(numbered(10)), source.text())
}

func FuzzReadSpool(f *testing.F) {
	f.Add([]byte("not a spool"))
	f.Add([]byte("\x00\x00\x00\x18{\"lease\":{\"id\":\"x\"}}  \x00\x00\x00\x09{\"seq\":1}"))
	f.Add([]byte("\xff\xff\xff\xff{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		stop := errors.New("enough")
		n := 0
		lease, err := job.ReadSpool(bytes.NewReader(text), func(job.Lease, job.Report) error {
			if n++; n > 10 {
				return stop
			}
			return nil
		})
		if n > 0 {
			require.NotEmpty(t, lease.ID)
		}
		if err != nil {
			require.ErrorIs(t, err, stop)
		}
	})
}
