package sqlstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// ran returns the modes of the transactions that f runs.
func (b bundle) ran(t *testing.T, f func() error) []sqlstore.Mode {
	t.Helper()
	b.rec.takeModes()
	require.NoError(t, f())
	return b.rec.takeModes()
}

func TestWhatATaskWouldRunTwiceWithoutIsDurable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, project := t.Context(), b.tpl.ProjectID
	key := store.StateKey{ProjectID: project, TemplateID: b.tpl.ID, Workspace: "default"}
	var lease store.Lease
	var task store.Task
	finish := func(s store.Status) error {
		_, err := b.Queue().Finish(ctx, lease, store.Finish{Status: s})
		return err
	}
	claim := func() error { lease = b.claim(t); return nil }
	create := func() error { task = b.add(t); return nil }
	durable, plain, bulk := sqlstore.Mode{Durable: true}, sqlstore.Mode{}, sqlstore.Mode{Bulk: true}
	for _, step := range []struct {
		name string
		do   func() error
		want sqlstore.Mode
	}{
		{"create", create, durable},
		{"claim", claim, durable},
		{"append", func() error { b.append(t, lease, 1, "x"); return nil }, plain},
		{"extend", func() error { _, err := b.Queue().Extend(ctx, "me", []store.Lease{lease}, time.Minute); return err }, plain},
		{"lock a state", func() error {
			_, err := b.Artifacts().LockState(ctx, key, store.StateLock{TaskID: task.ID})
			return err
		}, plain},
		{"save a state", func() error { return b.Artifacts().SaveState(ctx, key, "", 0, store.StateVersion{Serial: 1}, 1) }, durable},
		{"save a bundle", func() error { return b.Artifacts().SaveBundle(ctx, project, task.ID, 1, nil) }, durable},
		{"wait for confirmation", func() error { return finish(store.WaitingConfirmation) }, durable},
		{"confirm", func() error { _, err := b.Tasks().Confirm(ctx, project, task.ID, store.Event{}); return err }, durable},
		{"claim again", claim, durable},
		{"stop", func() error {
			_, err := b.Tasks().Stop(ctx, project, task.ID, store.StopGentle, store.Event{})
			return err
		}, durable},
		{"expire", func() error { _, err := b.Queue().Expire(ctx, store.Expiry{AllDead: true}); return err }, durable},
		{"delete", func() error { return b.Tasks().Delete(ctx, project, task.ID) }, bulk},
		{"create another", create, durable},
		{"claim it", claim, durable},
		{"plan it", func() error { return finish(store.WaitingConfirmation) }, durable},
		{"reject", func() error { _, err := b.Tasks().Reject(ctx, project, task.ID, store.Event{}); return err }, durable},
		{"a row", func() error { _, err := b.Projects().Create(ctx, store.Project{}); return err }, plain},
		{"purge", func() error { _, err := b.Events().Purge(ctx, 1, 1); return err }, bulk},
		{"a transaction", func() error { return b.InTx(ctx, func(context.Context, store.Store) error { return nil }) }, sqlstore.Mode{Durable: true, Alone: true}},
	} {
		require.Equal(t, []sqlstore.Mode{step.want}, b.ran(t, step.do), step.name)
	}
}
