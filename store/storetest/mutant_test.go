package storetest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

const mutantEnv = "STORETEST_MUTANT"

// mutants are stores with one fault each, and the test that has to find it
// whatever else does.
var mutants = map[string]struct {
	spoil func(m mutant) mutant
	found string
}{
	"does not fence appends": {
		func(m mutant) mutant {
			m.queue = func(q store.TaskQueue) store.TaskQueue { return unfenced{q} }
			return m
		},
		"lease/every_method_is_fenced_against_an_older_attempt",
	},
	"drops late results": {
		func(m mutant) mutant {
			m.queue = func(q store.TaskQueue) store.TaskQueue { return punctual{q} }
			return m
		},
		"finish/a_result_after_the_end_is_kept_as_a_late_one",
	},
	"stores an append twice": {
		func(m mutant) mutant {
			m.queue = func(q store.TaskQueue) store.TaskQueue { return &forgetful{TaskQueue: q} }
			return m
		},
		"lease/an_append_that_was_stored_already_is_ignored",
	},
	"runs a template twice": {
		func(m mutant) mutant {
			m.tasks = func(t store.TaskStore) store.TaskStore { return crowding{t} }
			return m
		},
		"claim/one_task_of_a_template_runs_at_a_time",
	},
	"ignores the limit of the pool": {
		func(m mutant) mutant {
			m.queue = func(q store.TaskQueue) store.TaskQueue { return limitless{q} }
			return m
		},
		"concurrency/many_claimers_get_each_task_once_and_exceed_no_limit",
	},
	"does not scope rows": {
		func(m mutant) mutant {
			m.keys = func(t store.Table[store.AccessKey]) store.Table[store.AccessKey] { return open{t} }
			return m
		},
		"tables/rows_of_another_scope_do_not_exist/access_key",
	},
	"says that a row in use was deleted": {
		func(m mutant) mutant {
			m.keys = func(t store.Table[store.AccessKey]) store.Table[store.AccessKey] { return careless{t} }
			return m
		},
		"references/a_deletion_deals_with_every_referrer/repository.ssh_key_id_to_access_key",
	},
	"forgets to tell of the end": {
		func(m mutant) mutant {
			m.queue = func(q store.TaskQueue) store.TaskQueue { return silent{q} }
			return m
		},
		"finish/a_result_ends_a_task_and_wipes_what_only_a_run_needs",
	},
	"expires its own leases": {
		func(m mutant) mutant {
			m.queue = func(q store.TaskQueue) store.TaskQueue { return suicidal{q} }
			return m
		},
		"expire/a_lease_ends_in_two_steps,_or_at_once_with_its_owner/own_and_late",
	},
	"does not roll back": {
		func(m mutant) mutant { m.torn = true; return m },
		"transactions/an_error_rolls_back_all_of_its_writes",
	},
	"stops what has ended": {
		func(m mutant) mutant {
			m.tasks = func(t store.TaskStore) store.TaskStore { return obliging{t} }
			return m
		},
		"answers/stop_does_in_every_state_what_the_state_allows",
	},
}

// mutant spoils some accessors of a store.
type mutant struct {
	store.Store
	queue func(store.TaskQueue) store.TaskQueue
	tasks func(store.TaskStore) store.TaskStore
	keys  func(store.Table[store.AccessKey]) store.Table[store.AccessKey]
	torn  bool // no transactions
}

func (m mutant) Queue() store.TaskQueue {
	if m.queue == nil {
		return m.Store.Queue()
	}
	return m.queue(m.Store.Queue())
}

func (m mutant) Tasks() store.TaskStore {
	if m.tasks == nil {
		return m.Store.Tasks()
	}
	return m.tasks(m.Store.Tasks())
}

func (m mutant) Keys() store.Table[store.AccessKey] {
	if m.keys == nil {
		return m.Store.Keys()
	}
	return m.keys(m.Store.Keys())
}

func (m mutant) InTx(ctx context.Context, f func(ctx context.Context, tx store.Store) error) error {
	if m.torn {
		return f(ctx, m)
	}
	return m.Store.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		inside := m
		inside.Store = tx
		return f(ctx, inside)
	})
}

// unfenced lets any attempt speak for the one that holds the lease.
type unfenced struct{ store.TaskQueue }

func (u unfenced) current(ctx context.Context, l store.Lease) store.Lease {
	held, _ := u.Leases(ctx)
	for _, h := range held {
		if h.Lease.TaskID == l.TaskID {
			return h.Lease
		}
	}
	return l
}

func (u unfenced) Append(ctx context.Context, l store.Lease, a store.Append) error {
	return u.TaskQueue.Append(ctx, u.current(ctx, l), a)
}

func (u unfenced) Finish(ctx context.Context, l store.Lease, f store.Finish) (store.Task, error) {
	return u.TaskQueue.Finish(ctx, u.current(ctx, l), f)
}

// punctual refuses what comes late instead of keeping it.
type punctual struct{ store.TaskQueue }

func (p punctual) Finish(ctx context.Context, l store.Lease, f store.Finish) (store.Task, error) {
	held, err := p.Leases(ctx)
	if err != nil {
		return store.Task{}, err
	}
	for _, h := range held {
		if h.Lease == l {
			return p.TaskQueue.Finish(ctx, l, f)
		}
	}
	return store.Task{}, store.ErrLease
}

// forgetful takes every append for a new one.
type forgetful struct{ store.TaskQueue }

func (f *forgetful) Append(ctx context.Context, l store.Lease, a store.Append) error {
	a.Seq = time.Now().UnixNano()
	return f.TaskQueue.Append(ctx, l, a)
}

// crowding lets every task run beside others.
type crowding struct{ store.TaskStore }

func (c crowding) Create(ctx context.Context, n store.NewTask) (store.Task, error) {
	n.Task.Parallel = true
	return c.TaskStore.Create(ctx, n)
}

// limitless forgets the limit of the pool.
type limitless struct{ store.TaskQueue }

func (l limitless) Claim(ctx context.Context, r store.ClaimRequest) ([]store.Claimed, error) {
	r.MaxParallel = 0
	return l.TaskQueue.Claim(ctx, r)
}

// open finds rows whatever project asks.
type open struct{ store.Table[store.AccessKey] }

func (o open) Get(ctx context.Context, _, id int64) (store.AccessKey, error) {
	page, err := o.List(ctx, store.AnyScope, store.Query{Where: map[string]any{"id": id}})
	if err != nil || len(page.Items) == 0 {
		return store.AccessKey{}, errors.Join(err, store.ErrNotFound)
	}
	return page.Items[0], nil
}

// careless takes a refusal for an answer.
type careless struct{ store.Table[store.AccessKey] }

func (c careless) Delete(ctx context.Context, scope, id int64) error {
	if err := c.Table.Delete(ctx, scope, id); !errors.Is(err, store.ErrInUse) {
		return err
	}
	return nil
}

// silent loses what was to be told after a Finish.
type silent struct{ store.TaskQueue }

func (s silent) Finish(ctx context.Context, l store.Lease, f store.Finish) (store.Task, error) {
	t, err := s.TaskQueue.Finish(ctx, l, f)
	if err != nil {
		return t, err
	}
	entries, err := s.Outbox(ctx, time.Now().AddDate(100, 0, 0), 1000)
	for _, e := range entries {
		if e.TaskID == t.ID && e.Kind == store.OutboxFinished {
			err = errors.Join(err, s.Settle(ctx, e.ID, nil))
		}
	}
	return t, err
}

// suicidal does not spare the leases of who calls.
type suicidal struct{ store.TaskQueue }

func (s suicidal) Expire(ctx context.Context, e store.Expiry) ([]store.Expired, error) {
	e.Self = ""
	return s.TaskQueue.Expire(ctx, e)
}

// obliging finds nothing wrong with the stop of a finished task.
type obliging struct{ store.TaskStore }

func (o obliging) Stop(ctx context.Context, project, id int64, level store.StopLevel, e store.Event) (store.Task, error) {
	t, err := o.TaskStore.Stop(ctx, project, id, level, e)
	if errors.Is(err, store.ErrState) {
		return o.Get(ctx, project, id)
	}
	return t, err
}

// TestMutant runs the suite on the mutant that the environment names.
func TestMutant(t *testing.T) {
	m, ok := mutants[os.Getenv(mutantEnv)]
	if !ok {
		return
	}
	storetest.Run(t, func(_ *testing.T, now func() time.Time) store.Store {
		return m.spoil(mutant{Store: memory.New(memory.Config{Now: now})})
	})
}

func TestTheSuiteFindsEveryFault(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestMutant$", "-test.timeout", "1m")
			cmd.Env = append(os.Environ(), mutantEnv+"="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAsf(t, err, &exit, "the suite passed a store that %s\n%s", name, out)
			require.Containsf(t, string(out), "--- FAIL: TestMutant/"+m.found+" ", "a store that %s", name)
		})
	}
}

// TestTheSuitePassesASoundStore proves that it is the fault that a mutant fails
// by, and not the wrapping.
func TestTheSuitePassesASoundStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(_ *testing.T, now func() time.Time) store.Store {
		return mutant{Store: memory.New(memory.Config{Now: now})}
	})
}
