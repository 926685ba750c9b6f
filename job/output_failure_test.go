package job_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

var errDown = errors.New("down")

func TestOutputOffersLinesAgain(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{fail: func(call int) error {
			if call <= 3 {
				return errDown
			}
			return nil
		}}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
		o.System("a")
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, o.Read(strings.NewReader("b\n")))
		synctest.Wait()
		require.Empty(t, sink.lines())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"a", "b"}, sink.texts())
		require.Equal(t, 4, sink.calls)
		require.NoError(t, o.Close())
	})
}

func TestOutputDropsTheNewestWhenTheSinkFailsForLong(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		sink := &recorder{fail: func(int) error {
			if down.Load() {
				return errDown
			}
			return nil
		}}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
		o.System("first")
		o.Flush()
		const all = 400
		line := strings.Repeat("x", 64<<10) + "\n"
		require.NoError(t, o.Read(strings.NewReader(strings.Repeat(line, all))))
		down.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		require.NoError(t, o.Read(strings.NewReader("later\n")))
		require.NoError(t, o.Close())

		got := sink.lines()
		kept := len(got) - 3 // first, the gap, later
		require.InDelta(t, 8<<20/(64<<10), kept, 2)
		require.Equal(t, "first", got[0].Text)
		gap := got[len(got)-2]
		require.Equal(t, job.System, gap.Stream)
		require.Equal(t, "272 lines dropped: the log could not be stored", gap.Text)
		require.Equal(t, all-272, kept)
		require.Equal(t, "later", got[len(got)-1].Text)
	})
}

func TestOutputCloseTriesForTenSeconds(t *testing.T) {
	t.Run("and succeeds", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			begun := time.Now()
			sink := &recorder{fail: func(int) error {
				if time.Since(begun) < 8*time.Second {
					return errDown
				}
				return nil
			}}
			o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
			o.System("a")
			require.NoError(t, o.Close())
			require.Equal(t, []string{"a"}, sink.texts())
		})
	})
	t.Run("and gives up", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			begun := time.Now()
			sink := &recorder{fail: func(int) error { return errDown }}
			o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
			o.System("a\nb")
			err := o.Close()
			require.ErrorIs(t, err, errDown)
			require.ErrorContains(t, err, "store the last 2 lines")
			require.Equal(t, err, o.Close())
			require.LessOrEqual(t, time.Since(begun), 10*time.Second)
			require.Greater(t, time.Since(begun), 5*time.Second)
			require.Less(t, sink.calls, 20)
		})
	})
	t.Run("with nothing to say", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			o := job.NewOutput(t.Context(), &recorder{fail: func(int) error { return errDown }}, nil, job.OutputOptions{})
			require.NoError(t, o.Close())
		})
	})
}

func TestOutputSurvivesAPanicOfTheSink(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{fail: func(call int) error {
			if call == 1 {
				panic("boom")
			}
			return nil
		}}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
		o.System("a")
		o.Flush()
		require.ErrorContains(t, o.Do(func(context.Context, job.Sink) error { panic("bang") }), "bang")
		require.NoError(t, o.Close())
		require.Equal(t, []string{"a"}, sink.texts())
	})
}

// endless yields lines without end and counts them.
type endless struct {
	read int
	stop bool
}

func (e *endless) Read(p []byte) (int, error) {
	if e.stop {
		return 0, errDown
	}
	e.read += len(p)
	for i := range p {
		p[i] = 'x'
		if i%64 == 63 {
			p[i] = '\n'
		}
	}
	return len(p), nil
}

func TestOutputStopsReadingWhileTheSinkBlocks(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{gate: make(chan struct{})}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
		r := &endless{}
		ended := make(chan error)
		go func() { ended <- o.Read(r) }()
		synctest.Wait()
		require.LessOrEqual(t, r.read, 256<<10)
		held := r.read
		time.Sleep(20 * time.Second)
		synctest.Wait()
		require.Equal(t, held, r.read)

		r.stop = true
		close(sink.gate)
		require.ErrorIs(t, <-ended, errDown)
		require.NoError(t, o.Close())
		require.Len(t, sink.lines(), held/64)
	})
}

func TestOutputGivesUpACallAfterHalfAMinute(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{gate: make(chan struct{})}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
		o.System("a")
		time.Sleep(40 * time.Second)
		synctest.Wait()
		require.Equal(t, 2, sink.calls)
		close(sink.gate)
		require.NoError(t, o.Close())
		require.Equal(t, []string{"a"}, sink.texts())
	})
}

func TestOutputCloseReleasesAWaitingTool(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{gate: make(chan struct{})}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
		ended := make(chan error)
		go func() { ended <- o.Read(&endless{}) }()
		synctest.Wait()
		go func() {
			time.Sleep(time.Second)
			close(sink.gate)
		}()
		require.NoError(t, o.Close())
		require.Error(t, <-ended)
	})
}
