package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/internal/mask"
)

// recorder is a sink that keeps what it gets, and fails or blocks as told.
type recorder struct {
	job.Discard
	mu      sync.Mutex
	batches [][]job.Line
	events  []string
	calls   int
	busy    bool
	fail    func(call int) error
	gate    chan struct{} // if set, each call waits for it
}

func (r *recorder) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy {
		panic("the sink is called twice at once")
	}
	r.busy = true
}

func (r *recorder) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
}

func (r *recorder) Lines(ctx context.Context, lines []job.Line) error {
	r.enter()
	defer r.leave()
	r.mu.Lock()
	r.calls++
	call := r.calls
	r.mu.Unlock()
	if r.gate != nil {
		select {
		case <-r.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if r.fail != nil {
		if err := r.fail(call); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, lines)
	for _, l := range lines {
		r.events = append(r.events, l.Text)
	}
	return nil
}

func (r *recorder) Status(_ context.Context, s job.Status) error {
	r.enter()
	defer r.leave()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "<"+string(s.State)+">")
	return nil
}

func (r *recorder) lines() []job.Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []job.Line
	for _, b := range r.batches {
		all = append(all, b...)
	}
	return all
}

func (r *recorder) texts() []string {
	var all []string
	for _, l := range r.lines() {
		all = append(all, l.Text)
	}
	return all
}

// outputTest runs f in a bubble, where time is fake and a goroutine that stays
// behind is a failure.
func outputTest(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func newMasker(texts ...string) *mask.Masker {
	var values []mask.Value
	for _, text := range texts {
		values = append(values, mask.Value{Name: text, Text: text})
	}
	m, _ := mask.New(values)
	return m
}

func TestOutputKeepsTheOrderOfToolsAndSystemLines(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{}
		o := job.NewOutput(t.Context(), sink, newMasker("hunter2"), job.OutputOptions{})
		o.System("start %s\nsecond", "hunter2")
		require.NoError(t, o.Read(strings.NewReader("one hunter2\r\ntwo")))
		require.NoError(t, o.Do(func(ctx context.Context, s job.Sink) error {
			return s.Status(ctx, job.Status{State: job.Running})
		}))
		require.NoError(t, o.Read(strings.NewReader("three\n")))
		require.NoError(t, o.Close())
		require.NoError(t, o.Close())

		require.Equal(t, []string{"start ***", "second", "one ***", "two", "<running>", "three"}, sink.events)
		got := sink.lines()
		require.Equal(t, job.System, got[0].Stream)
		require.True(t, got[0].Masked)
		require.Equal(t, job.Out, got[2].Stream)
		require.True(t, got[2].Masked)
		require.False(t, got[2].Partial)
		require.True(t, got[3].Partial)
		require.False(t, got[3].Masked)
	})
}

func TestOutputBatches(t *testing.T) {
	t.Run("a line arrives after 250 ms", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			sink := &recorder{}
			o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
			w := o.Writer()
			for range 3 {
				_, _ = io.WriteString(w, "a\nb\n")
				time.Sleep(249 * time.Millisecond)
				synctest.Wait()
				require.Empty(t, sink.lines())
				time.Sleep(time.Millisecond)
				synctest.Wait()
				require.Len(t, sink.lines(), 2)
				sink.batches = nil
			}
			require.NoError(t, o.Close())
		})
	})
	t.Run("64 KiB arrive at once", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			sink := &recorder{}
			o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
			require.NoError(t, o.Read(strings.NewReader(strings.Repeat("0123456789abcde\n", 1<<14))))
			synctest.Wait()
			require.NotEmpty(t, sink.lines(), "nothing arrived before the time was up")
			require.NoError(t, o.Close())
			require.Len(t, sink.lines(), 1<<14)
		})
	})
	t.Run("Flush hands over at once", func(t *testing.T) {
		outputTest(t, func(t *testing.T) {
			sink := &recorder{}
			o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
			o.System("x")
			o.Flush()
			require.Equal(t, []string{"x"}, sink.texts())
			require.NoError(t, o.Close())
			o.Flush()
			o.System("too late")
			require.Equal(t, []string{"x"}, sink.texts())
		})
	})
}

func TestOutputOutlivesTheStopOfItsTask(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		sink := &recorder{fail: func(int) error { return nil }}
		o := job.NewOutput(ctx, sink, nil, job.OutputOptions{})
		cancel()
		o.System("last words")
		require.NoError(t, o.Do(func(ctx context.Context, _ job.Sink) error { return ctx.Err() }))
		require.NoError(t, o.Close())
		require.Equal(t, []string{"last words"}, sink.texts())
	})
}

func TestOutputHook(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{}
		o := job.NewOutput(t.Context(), sink, newMasker("hunter2"), job.OutputOptions{Quota: 8})
		var seen []string
		o.OnLine(func(text string) {
			seen = append(seen, text)
			o.System("saw %s", text)
		})
		require.NoError(t, o.Read(strings.NewReader("hunter2\nover the quota\n")))
		o.OnLine(nil)
		require.NoError(t, o.Read(strings.NewReader("unseen")))
		require.NoError(t, o.Close())
		require.Equal(t, []string{"***", "over the quota"}, seen)
		require.Equal(t, []string{
			"***", "saw ***",
			"log quota of 8 bytes reached: further lines are left out", "saw over the quota",
			"log quota: 2 lines left out",
		}, sink.texts())
	})
}

func TestOutputCutsLongLines(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{}
		o := job.NewOutput(t.Context(), sink, newMasker("hunter2-secret"), job.OutputOptions{})
		line := strings.Repeat("x", 1<<20-4) + "hunter2-secret and more"
		require.NoError(t, o.Read(strings.NewReader(line+"\nnext\n")))
		require.NoError(t, o.Close())
		got := sink.lines()
		require.Len(t, got, 3)
		require.Equal(t, strings.Repeat("x", 1<<20-4), got[0].Text)
		require.True(t, got[0].Truncated)
		require.Equal(t, "line cut at 1 MiB: 23 bytes left out", got[1].Text)
		require.Equal(t, job.System, got[1].Stream)
		require.Equal(t, "next", got[2].Text)
		require.False(t, got[2].Truncated)
	})
}

func TestOutputTimesDoNotGoBack(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{}
		clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{Now: func() time.Time {
			clock = clock.Add(-time.Second)
			return clock
		}})
		o.System("a")
		require.NoError(t, o.Read(strings.NewReader("b\nc\n")))
		require.NoError(t, o.Close())
		got := sink.lines()
		require.Equal(t, time.Date(2026, 1, 2, 3, 4, 4, 0, time.UTC), got[0].Time)
		for i := 1; i < len(got); i++ {
			require.False(t, got[i].Time.Before(got[i-1].Time))
		}
	})
}

func TestOutputIsSafeForManyWriters(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{FlushBytes: 100})
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				w := o.Writer()
				for n := range 200 {
					_, _ = fmt.Fprintf(w, "%d %d\n", i, n)
					if n%50 == 0 {
						_ = o.Do(func(ctx context.Context, s job.Sink) error { return s.Status(ctx, job.Status{}) })
						o.System("s")
					}
				}
				_ = w.Close()
			})
		}
		group.Wait()
		require.NoError(t, o.Close())
		next := map[int]int{}
		for _, l := range sink.lines() {
			var i, n int
			if _, err := fmt.Sscanf(l.Text, "%d %d", &i, &n); err == nil {
				require.Equal(t, next[i], n)
				next[i]++
			}
		}
		require.Len(t, sink.lines(), 8*204)
	})
}

func TestOutputReportsAReadError(t *testing.T) {
	outputTest(t, func(t *testing.T) {
		sink := &recorder{}
		o := job.NewOutput(t.Context(), sink, nil, job.OutputOptions{})
		r, w := io.Pipe()
		broken := errors.New("broken")
		go func() {
			_, _ = io.WriteString(w, "half")
			_ = w.CloseWithError(broken)
		}()
		require.ErrorIs(t, o.Read(r), broken)
		require.NoError(t, o.Close())
		require.Equal(t, []string{"half"}, sink.texts())
		require.Error(t, o.Read(strings.NewReader("after the end\n")))
		require.Error(t, o.Do(func(context.Context, job.Sink) error { return nil }))
	})
}
