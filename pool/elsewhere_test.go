package pool_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// TestAnotherServerShowsWhatRunsHere subscribes at a server that runs nothing:
// it is told of every state and every line, each once and in order.
func TestAnotherServerShowsWhatRunsHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lines = 50
		st := shared{newStore()}
		ring, err := crypto.NewRing(crypto.GenerateKey())
		require.NoError(t, err)
		here := pooltest.New(t, pooltest.Options{Store: st, Config: pool.Config{Ring: ring}, Script: func(*job.Spec) jobtest.Script {
			s := jobtest.Script{Delay: 100 * time.Millisecond}
			for i := range lines {
				s.Lines = append(s.Lines, fmt.Sprint("line ", i))
			}
			return s
		}})
		there, err := pool.New(st, pool.Config{Ring: ring, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- there.Run(ctx) }()
		defer func() {
			cancel()
			require.NoError(t, <-done)
		}()

		all := there.Subscribe(pool.Topic{})
		defer all.Close()
		tpl := here.Template(store.Template{})
		task := here.Add(tpl)
		here.Await(task, store.Success)
		time.Sleep(5 * time.Second)
		synctest.Wait()

		var numbers []int64
		var states []store.Status
		for len(all.C) > 0 {
			m := <-all.C
			require.Equal(t, task.ID, m.TaskID)
			for _, l := range m.Lines {
				numbers = append(numbers, l.Number)
			}
			if m.Task != nil && (len(states) == 0 || states[len(states)-1] != m.Task.Status) {
				states = append(states, m.Task.Status)
			}
		}
		for i, n := range numbers {
			require.EqualValues(t, numbers[0]+int64(i), n)
		}
		require.Len(t, numbers, lines)
		require.Equal(t, store.Success, states[len(states)-1])
		require.Contains(t, states, store.Running)
	})
}
