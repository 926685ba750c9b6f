package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func txCases() []testCase {
	return []testCase{
		{"a transaction commits all of its writes", commits},
		{"an error rolls back all of its writes", rollsBack},
		{"a panic rolls back and goes on up", rollsBackPanic},
		{"a transaction inside joins", joins},
		{"nobody sees what is not committed", isolates},
		{"a refused write in a transaction changes nothing and ends nothing", goesOn},
		{"a transaction of a context that has ended does nothing", cancelledTx},
		{"the queue works in a transaction", queueInTx},
		{"a store may be closed twice", closesTwice},
	}
}

var errOops = errors.New("oops")

// everything does a write of each kind in a transaction.
func (w *world) everything(ctx context.Context, tx store.Store) error {
	task, err := tx.Tasks().Create(ctx, w.newTask(func(n *store.NewTask) { n.Events = []store.Event{w.event("added")} }))
	if err != nil {
		return err
	}
	if err := tx.Artifacts().SaveBundle(ctx, w.project.ID, task.ID, 0, []byte("x")); err != nil {
		return err
	}
	if err := tx.Artifacts().SaveState(ctx, w.key("default"), "", 0, store.StateVersion{Lineage: "L", Serial: 1}, 1); err != nil {
		return err
	}
	if err := tx.Options().Set(ctx, "a", "b"); err != nil {
		return err
	}
	view, err := tx.Views().Create(ctx, store.View{ProjectID: w.project.ID, Title: "v"})
	if err != nil {
		return err
	}
	got, err := tx.Views().Get(ctx, w.project.ID, view.ID)
	if err != nil {
		return err
	}
	got.Title = "changed"
	return tx.Views().Update(ctx, got)
}

// requireWritten tells whether everything was done or nothing.
func (w *world) requireWritten(t *testing.T, n int) {
	t.Helper()
	require.Equal(t, n, w.total(t, "task"))
	require.Equal(t, n, w.total(t, "view"))
	require.Len(t, w.descriptions(t), n)
	tpl, err := w.Templates().Get(t.Context(), w.project.ID, w.template.ID)
	require.NoError(t, err)
	require.Equal(t, n, tpl.Tasks)
	all, err := w.Options().All(t.Context())
	require.NoError(t, err)
	require.Len(t, all, n)
	states, err := w.Artifacts().States(t.Context(), w.key("default"))
	require.NoError(t, err)
	require.Len(t, states, n)
}

func commits(t *testing.T, w *world) {
	require.NoError(t, w.InTx(t.Context(), w.everything))
	w.requireWritten(t, 1)
}

func rollsBack(t *testing.T, w *world) {
	err := w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		return errors.Join(w.everything(ctx, tx), errOops)
	})
	require.ErrorIs(t, err, errOops)
	w.requireWritten(t, 0)
	require.NoError(t, w.InTx(t.Context(), w.everything))
	w.requireWritten(t, 1)
}

func rollsBackPanic(t *testing.T, w *world) {
	require.PanicsWithError(t, "oops", func() {
		_ = w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
			if err := w.everything(ctx, tx); err != nil {
				return err
			}
			panic(errOops)
		})
	})
	w.requireWritten(t, 0)
	require.NoError(t, w.InTx(t.Context(), w.everything))
	w.requireWritten(t, 1)
}

func joins(t *testing.T, w *world) {
	err := w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		require.NoError(t, tx.InTx(ctx, w.everything))
		page, err := tx.Views().List(ctx, w.project.ID, store.Query{})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		return errOops
	})
	require.ErrorIs(t, err, errOops)
	w.requireWritten(t, 0)
	require.NoError(t, w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error { return tx.InTx(ctx, w.everything) }))
	w.requireWritten(t, 1)
	err = w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		return tx.InTx(ctx, func(context.Context, store.Store) error { return errOops })
	})
	require.ErrorIs(t, err, errOops)
}

func isolates(t *testing.T, w *world) {
	require.NoError(t, w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		require.NoError(t, w.everything(ctx, tx))
		done := make(chan struct{})
		go func() {
			defer close(done)
			n, err := w.Views().Count(t.Context(), w.project.ID, store.Query{})
			if err != nil || n != 0 {
				t.Errorf("another reader sees %d views, %v", n, err)
			}
		}()
		<-done
		n, err := tx.Views().Count(ctx, w.project.ID, store.Query{})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		return nil
	}))
	w.requireWritten(t, 1)
}

func goesOn(t *testing.T, w *world) {
	require.NoError(t, w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		_, err := tx.Repositories().Create(ctx, store.Repository{ProjectID: w.project.ID, SSHKeyID: 1 << 40})
		require.ErrorIs(t, err, store.ErrInvalid)
		_, err = tx.Views().Get(ctx, w.project.ID, 1<<40)
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, tx.Keys().Delete(ctx, w.project.ID, w.id(t, "access_key")), store.ErrInUse)
		_, err = tx.Tasks().Create(ctx, w.newTask(func(n *store.NewTask) {
			missing := int64(1 << 40)
			n.Events = []store.Event{{UserID: &missing}}
		}))
		require.ErrorIs(t, err, store.ErrInvalid)
		return w.everything(ctx, tx)
	}))
	w.requireWritten(t, 1)
}

func cancelledTx(t *testing.T, w *world) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := w.InTx(ctx, func(context.Context, store.Store) error { t.Error("the function was called"); return nil })
	require.ErrorIs(t, err, context.Canceled)
	ctx, cancel = context.WithCancel(t.Context())
	err = w.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		if err := w.everything(ctx, tx); err != nil {
			return err
		}
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	w.requireWritten(t, 0)
}

func queueInTx(t *testing.T, w *world) {
	task := w.task(t)
	step := func(commit bool) store.Claimed {
		var c store.Claimed
		err := w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
			list, err := tx.Queue().Claim(ctx, store.ClaimRequest{Owner: me, Tags: []string{""}, Max: 1, TTL: ttl})
			require.NoError(t, err)
			require.Len(t, list, 1)
			c = list[0]
			require.NoError(t, tx.Queue().Append(ctx, c.Lease, store.Append{Seq: 1, Status: store.Running, Lines: lines("x")}))
			if !commit {
				return errOops
			}
			return nil
		})
		require.Equal(t, commit, err == nil)
		return c
	}
	lost := step(false)
	require.Equal(t, store.Waiting, w.get(t, task.ID).Status)
	require.Empty(t, w.read(t, task.ID, 0, 10).Lines)
	kept := step(true)
	require.Equal(t, store.Running, w.get(t, task.ID).Status)
	require.NotEqual(t, lost.Lease.ID, kept.Lease.ID)
	require.Equal(t, []string{"x"}, texts(w.read(t, task.ID, 0, 10).Lines))
	require.Equal(t, store.Success, w.finish(t, kept.Lease, store.Success).Status)
}

func closesTwice(t *testing.T, w *world) {
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
}
