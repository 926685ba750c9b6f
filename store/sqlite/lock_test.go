package sqlite_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestBulkWorkLetsOthersGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l sqlite.WriterLock
		require.NoError(t, l.Acquire(t.Context(), false))
		var turns []string
		wait := func(name string, bulk bool) {
			go func() {
				if l.Acquire(t.Context(), bulk) == nil {
					turns = append(turns, name)
					l.Release()
				}
			}()
			synctest.Wait()
		}
		wait("purge", true)
		wait("append", false)
		wait("compact", true)
		wait("finish", false)
		l.Release()
		synctest.Wait()
		require.Equal(t, []string{"append", "finish", "purge", "compact"}, turns)
	})
}

func TestBulkWorkIsNotStarved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l sqlite.WriterLock
		require.NoError(t, l.Acquire(t.Context(), false))
		var turns []bool
		for i := range 3 * sqlite.BulkTurn {
			bulk := i == 0
			go func() {
				if l.Acquire(t.Context(), bulk) == nil {
					turns = append(turns, bulk)
					l.Release()
				}
			}()
			synctest.Wait()
		}
		l.Release()
		synctest.Wait()
		require.Len(t, turns, 3*sqlite.BulkTurn)
		require.Equal(t, sqlite.BulkTurn, slices.Index(turns, true))
	})
}

func TestAWriterThatGivesUpPassesItsTurnOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l sqlite.WriterLock
		require.NoError(t, l.Acquire(t.Context(), false))
		ctx, cancel := context.WithCancel(t.Context())
		gone, got := make(chan error, 1), make(chan error, 1)
		go func() { gone <- l.Acquire(ctx, false) }()
		synctest.Wait()
		go func() { got <- l.Acquire(t.Context(), false) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		require.ErrorIs(t, l.Acquire(ctx, true), context.Canceled)
		l.Release()
		require.NoError(t, <-got)
		l.Release()
		require.NoError(t, l.Acquire(t.Context(), true))
	})
}
