package pool_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// calls are those of webhooks.
type calls struct {
	mu   sync.Mutex
	list []string
	err  error
}

func (c *calls) summon(_ context.Context, r store.Runner, action string, t store.Task) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf("%s %s task %d", r.Name, action, t.ID))
	return c.err
}

// after returns those after d, and forgets them.
func (c *calls) after(d time.Duration) []string {
	time.Sleep(d)
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

func (c *calls) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func TestRunnersAreCalledForTasksThatWaitForThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c calls
		st := shared{newStore()}
		p := pooltest.New(t, pooltest.Options{Store: st, Config: pool.Config{Summon: c.summon}})
		second := pooltest.New(t, pooltest.Options{Store: st, Config: pool.Config{Summon: c.summon}})
		require.NotNil(t, second)
		runner := func(r store.Runner) store.Runner {
			r.TokenHash, r.Active = r.Name, r.Name != "off"
			made, err := st.Runners().Create(t.Context(), r)
			require.NoError(t, err)
			return made
		}
		one := runner(store.Runner{Name: "one", Tag: "gpu", Webhook: "https://x", MaxParallelTasks: 1})
		runner(store.Runner{Name: "off", Tag: "gpu", Webhook: "https://x"})
		runner(store.Runner{Name: "quiet", Tag: "gpu"})
		runner(store.Runner{Name: "elsewhere", Tag: "arm", Webhook: "https://x"})
		gpu := "gpu"
		tpl := p.Template(store.Template{RunnerTag: &gpu, AllowParallelTasks: true})
		first := p.Add(tpl)
		require.Equal(t, []string{fmt.Sprintf("one start task %d", first.ID)}, c.after(10*time.Second), "once, by one of the servers")
		late := p.Add(tpl)
		require.Empty(t, c.after(time.Minute), "it has no room for another one")
		require.Equal(t, []string{fmt.Sprintf("one start task %d", first.ID)}, c.after(5*time.Minute), "the task still waits")

		r := p.Runner(one, "dir", "boot")
		list, err := r.Claim(t.Context(), pool.RunnerClaim{Free: 1})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Empty(t, c.after(3*time.Second))
		require.NoError(t, r.Finish(t.Context(), list[0].Lease, job.Result{Outcome: job.Success}))
		require.ElementsMatch(t, []string{fmt.Sprintf("one finish task %d", first.ID), fmt.Sprintf("one start task %d", late.ID)}, c.after(10*time.Second))

		c.fail(errors.New("away"))
		two := runner(store.Runner{Name: "two", Tag: "gpu", Webhook: "https://x", ProjectID: &p.Project.ID})
		third := p.Add(tpl)
		require.Equal(t, []string{fmt.Sprintf("%s start task %d", two.Name, third.ID)}, c.after(10*time.Second), "that of the project first")
		c.fail(nil)
		require.Equal(t, []string{fmt.Sprintf("two start task %d", third.ID)}, c.after(30*time.Second), "soon again where it failed")
		require.Empty(t, c.after(time.Minute))
	})
}

func TestNoRunnerIsCalledForWhatRunsHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c calls
		p := pooltest.New(t, pooltest.Options{Config: pool.Config{Summon: c.summon}})
		p.Drain()
		_, err := p.Store().Runners().Create(t.Context(), store.Runner{Name: "one", Tag: "gpu", Webhook: "https://x", Active: true, TokenHash: "x"})
		require.NoError(t, err)
		p.Add(p.Template(store.Template{}))
		require.Empty(t, c.after(time.Minute))
	})
}
