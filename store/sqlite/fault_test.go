package sqlite_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestAnotherProcessThatWritesForLongIsErrBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Config{BusyTimeout: 50 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	other, err := rawDB(t, path).Conn(t.Context())
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	_, err = s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.ErrorIs(t, err, store.ErrBusy)
	_, err = s.Projects().List(t.Context(), 0, store.Query{})
	require.NoError(t, err, "readers do not wait")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Projects().Create(ctx, store.Project{Name: "p"})
	require.ErrorIs(t, err, context.Canceled)
	_, err = other.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, other.Close())
	_, err = s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
}

func TestAFullDiskIsErrFullAndPasses(t *testing.T) {
	t.Parallel()
	db, s := host(t)
	db.SetMaxOpenConns(1) // the limit belongs to a connection
	_, err := db.ExecContext(t.Context(), "PRAGMA max_page_count = 200")
	require.NoError(t, err)
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	long := strings.Repeat("x", 1<<20)
	_, err = s.Inventories().Create(t.Context(), store.Inventory{ProjectID: p.ID, Name: "i", Inventory: long})
	require.ErrorIs(t, err, store.ErrFull)
	_, err = db.ExecContext(t.Context(), "PRAGMA max_page_count = 100000")
	require.NoError(t, err)
	_, err = s.Inventories().Create(t.Context(), store.Inventory{ProjectID: p.ID, Name: "i", Inventory: long})
	require.NoError(t, err)
}

func TestAPanicRollsBack(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.PanicsWithValue(t, "oops", func() {
		_ = s.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
			_, err := tx.Projects().Create(ctx, store.Project{Name: "p"})
			require.NoError(t, err)
			panic("oops")
		})
	})
	n, err := s.Projects().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
}

func TestACancelledTransactionLeavesTheWriterUsable(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var kept store.Store
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.InTx(ctx, func(ctx context.Context, tx store.Store) error {
			kept = tx
			_, err := tx.Projects().Create(ctx, store.Project{Name: "p"})
			cancel()
			return err
		})
		require.ErrorIs(t, err, context.Canceled)
	}
	_, err := kept.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.ErrorContains(t, err, "transaction has ended")
	_, err = s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	n, err := s.Projects().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestNothingIsCommittedAfterAStatementWasInterrupted(t *testing.T) {
	t.Parallel()
	s := setup(t)
	err := s.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		_, err := tx.Projects().Create(ctx, store.Project{Name: "before"})
		require.NoError(t, err)
		short, cancel := context.WithCancel(ctx)
		cancel()
		_, err = tx.Projects().Create(short, store.Project{Name: "interrupted"})
		require.ErrorIs(t, err, context.Canceled)
		_, err = tx.Projects().Create(ctx, store.Project{Name: "behind"})
		require.ErrorIs(t, err, context.Canceled)
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	n, err := s.Projects().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestAFailureInsideATransactionIsUndoneByItself(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tpl := template(t, s, false)
	require.NoError(t, s.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		_, err := tx.Tasks().Create(ctx, store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID, UserID: new(int64(9))}})
		require.ErrorIs(t, err, store.ErrInvalid)
		return nil
	}))
	tpl, err := s.Templates().Get(t.Context(), tpl.ProjectID, tpl.ID)
	require.NoError(t, err)
	require.Zero(t, tpl.Tasks, "the count went with the task")
}

func TestTextIsSearchedInAllAlphabets(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, name := range []string{"Привет Мир", "straße", "100%_[a]*?", "plain"} {
		_, err := s.Projects().Create(t.Context(), store.Project{Name: name})
		require.NoError(t, err)
	}
	for search, want := range map[string]int{"пРИВЕТ": 1, "STRA": 1, "%": 1, "_": 1, "[a]": 1, "*": 1, "?": 1, "A": 3, "]": 1, "^": 0, "\\": 0} {
		n, err := s.Projects().Count(t.Context(), 0, store.Query{Search: search})
		require.NoError(t, err)
		require.Equal(t, want, n, search)
	}
}
