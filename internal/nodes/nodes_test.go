package nodes_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestServersComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := memory.New(memory.Config{})
		log := slog.New(slog.DiscardHandler)
		start := func(version string) (*nodes.Registry, func()) {
			r := nodes.New(st, nodes.Config{Version: version, Log: log})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); r.Run(ctx) }()
			return r, func() { cancel(); <-done }
		}
		list := func(r *nodes.Registry) (versions []string, alive int) {
			nodes, err := r.List(t.Context())
			require.NoError(t, err)
			for _, n := range nodes {
				versions = append(versions, n.Version)
				if n.Alive {
					alive++
				}
			}
			return versions, alive
		}
		one, stopOne := start("1.0")
		time.Sleep(time.Second)
		_, stopTwo := start("2.0")
		time.Sleep(time.Minute)
		synctest.Wait()
		versions, alive := list(one)
		require.Equal(t, []string{"2.0", "1.0"}, versions)
		require.Equal(t, 2, alive)

		stopTwo()
		versions, _ = list(one)
		require.Equal(t, []string{"1.0"}, versions, "who stops in order leaves")

		// One that was killed stays on the list for a while, as gone.
		require.NoError(t, st.Options().Set(t.Context(), nodes.Prefix+"dead", `{"id":"dead","version":"0.9","seen":"`+time.Now().Add(-16*time.Second).UTC().Format(time.RFC3339Nano)+`"}`))
		versions, alive = list(one)
		require.Len(t, versions, 2)
		require.Equal(t, 1, alive)
		time.Sleep(2 * time.Hour)
		versions, _ = list(one)
		require.Equal(t, []string{"1.0"}, versions)
		_, stopThree := start("3.0")
		synctest.Wait()
		options, err := st.Options().All(t.Context())
		require.NoError(t, err)
		require.NotContains(t, options, nodes.Prefix+"dead", "the next one that starts tidies up")
		stopThree()
		stopOne()
	})
}

func TestAServerThatDrainsSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := memory.New(memory.Config{})
		var draining atomic.Bool
		drained := nodes.New(st, nodes.Config{Version: "1.0", Draining: draining.Load})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); drained.Run(ctx) }()
		synctest.Wait()
		says := func(r *nodes.Registry) bool {
			list, err := r.List(t.Context())
			require.NoError(t, err)
			require.Len(t, list, 1)
			return list[0].Draining
		}
		other := nodes.New(st, nodes.Config{})
		require.False(t, says(drained))
		draining.Store(true)
		require.True(t, says(drained), "at once by itself")
		require.False(t, says(other))
		time.Sleep(nodes.Beat)
		synctest.Wait()
		require.True(t, says(other), "with the next beat by others")
		draining.Store(false)
		time.Sleep(nodes.Beat)
		synctest.Wait()
		require.False(t, says(other))
		cancel()
		<-done
	})
}

func TestClocksOfServersMayDiffer(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"behind": -2 * time.Hour, "a little behind": -12 * time.Second, "the same": 0, "ahead": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				st := memory.New(memory.Config{})
				run := func(ctx context.Context, off time.Duration, version string) (r *nodes.Registry, done chan struct{}) {
					r = nodes.New(st, nodes.Config{Version: version, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(off) }})
					done = make(chan struct{})
					go func() { defer close(done); r.Run(ctx) }()
					return r, done
				}
				ctx, cancel := context.WithCancel(t.Context())
				here, stopped := run(ctx, 0, "here")
				time.Sleep(2 * time.Second)
				there, gone := run(ctx, off, "there")
				alive := func(r *nodes.Registry, version string) bool {
					list, err := r.List(t.Context())
					require.NoError(t, err)
					for _, n := range list {
						if n.Version == version {
							return n.Alive
						}
					}
					return false
				}
				time.Sleep(11 * time.Second)
				for range 60 {
					require.True(t, alive(here, "there"))
					require.True(t, alive(there, "here"))
					time.Sleep(700 * time.Millisecond)
				}
				cancel()
				<-stopped
				<-gone
			})
		})
	}
}

func TestAServerThatIsKilledIsShownAsGoneWhateverItsClock(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"behind": -2 * time.Hour, "the same": 0, "ahead": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				st := memory.New(memory.Config{})
				here := nodes.New(st, nodes.Config{})
				last := func() bool {
					list, err := here.List(t.Context())
					require.NoError(t, err)
					return len(list) == 1 && list[0].Alive
				}
				for range 4 { // as it beats
					require.NoError(t, st.Options().Set(t.Context(), nodes.Prefix+"there", `{"version":"1","seen":"`+time.Now().Add(off).UTC().Format(time.RFC3339Nano)+`"}`))
					last()
					time.Sleep(nodes.Beat)
				}
				require.True(t, last())
				time.Sleep(nodes.Dead - nodes.Beat)
				require.False(t, last())
			})
		})
	}
}
