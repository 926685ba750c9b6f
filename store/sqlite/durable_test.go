package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// synchronous is the setting in a transaction: 1 for NORMAL, 2 for FULL.
func synchronous(ctx context.Context, t *testing.T, q sqlstore.Querier) (level int) {
	t.Helper()
	rows, err := q.QueryContext(ctx, "PRAGMA synchronous")
	require.NoError(t, err)
	defer rows.Close()
	require.True(t, rows.Next())
	require.NoError(t, rows.Scan(&level))
	require.NoError(t, rows.Err())
	return level
}

func TestDurableTransactionsReachTheDisk(t *testing.T) {
	t.Parallel()
	e, err := sqlite.OpenEngine(t.Context(), freshFile(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	errOops := errors.New("oops")
	for _, tc := range []struct {
		mode  sqlstore.Mode
		fails bool
	}{
		{sqlstore.Mode{}, false},
		{sqlstore.Mode{Durable: true}, false},
		{sqlstore.Mode{Durable: true}, true},
		{sqlstore.Mode{Durable: true}, false},
		{sqlstore.Mode{Bulk: true}, true},
		{sqlstore.Mode{}, false},
		{sqlstore.Mode{Bulk: true, Durable: true}, false},
	} {
		err := e.Write(t.Context(), tc.mode, func(ctx context.Context, q sqlstore.Querier) error {
			want := 1
			if tc.mode.Durable {
				want = 2
			}
			require.Equal(t, want, synchronous(ctx, t, q), "%+v", tc)
			if tc.fails {
				return errOops
			}
			return nil
		})
		require.Equal(t, tc.fails, errors.Is(err, errOops))
	}
}

// TestTheDriversDefaultIsDurable keeps what the comment of Use says.
func TestTheDriversDefaultIsDurable(t *testing.T) {
	t.Parallel()
	db := rawDB(t, filepath.Join(t.TempDir(), "host.db"), hostParams...)
	require.Equal(t, []string{"2 "}, texts(t, db, "PRAGMA synchronous"))
}

func TestAHostsSynchronousSettingStays(t *testing.T) {
	t.Parallel()
	for level, name := range map[string]string{"0 ": "OFF", "1 ": "NORMAL", "2 ": "FULL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := append([]string{"_pragma=synchronous(" + name + ")"}, hostParams...)
			db := rawDB(t, filepath.Join(t.TempDir(), "host.db"), params...)
			db.SetMaxOpenConns(1) // the setting belongs to a connection
			s, err := sqlite.Use(t.Context(), db, sqlite.Config{})
			require.NoError(t, err)
			add(t, s, template(t, s, false))
			c := claim(t, s, 1)[0]
			require.NoError(t, s.Queue().Append(t.Context(), c.Lease, store.Append{Seq: 1, Lines: []store.LogLine{{Text: "x"}}}))
			require.Equal(t, []string{level}, texts(t, db, "PRAGMA synchronous"))
		})
	}
}
