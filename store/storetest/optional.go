package storetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func optionalCases() []testCase {
	return []testCase{
		{"one pool at a time owns the store", owns},
		{"a listener hears of tasks once they are committed", listens},
	}
}

func owns(t *testing.T, w *world) {
	s, ok := w.Store.(store.Owned)
	if !ok {
		t.Skip("the store is not store.Owned")
	}
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	_, err = s.Own(t.Context())
	var owned *store.OwnedError
	require.ErrorAs(t, err, &owned)
	w.task(t)
	require.NoError(t, release())
	release, err = s.Own(t.Context())
	require.NoError(t, err)
	require.NoError(t, release())
}

// listens asks until a notice comes: nobody tells when the listener is ready.
func listens(t *testing.T, w *world) {
	s, ok := w.Store.(store.Listener)
	if !ok {
		t.Skip("the store is no store.Listener")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard, done := make(chan store.Notice, 10000), make(chan error, 1)
	go func() { done <- s.Listen(ctx, func(n store.Notice) { heard <- n }) }()
	made := map[int64]bool{}
	for len(heard) == 0 && len(made) < 1000 {
		require.NoError(t, w.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
			task, err := tx.Tasks().Create(ctx, w.newTask())
			made[task.ID] = true
			return err
		}))
	}
	n := <-heard
	require.Equal(t, w.project.ID, n.ProjectID)
	require.True(t, made[n.TaskID])
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}
