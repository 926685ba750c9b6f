package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

// listen returns what a store hears, once it does.
func listen(t *testing.T, url string, s *postgres.Store) <-chan store.Notice {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	heard, done := make(chan store.Notice, 100000), make(chan error, 1)
	go func() { done <- s.Listen(ctx, func(n store.Notice) { heard <- n }) }()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
	db := rawDB(t, url)
	for listening := 0; listening == 0; {
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN %' AND state = 'idle'`).Scan(&listening))
	}
	return heard
}

// await reads until a notice comes.
func await(t *testing.T, heard <-chan store.Notice, want store.Notice) {
	t.Helper()
	for {
		select {
		case n := <-heard:
			if n == want {
				return
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%+v was not heard of", want)
		}
	}
}

func TestOtherServersHearOfTasks(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s := open(t, url, postgres.Config{})
	heard := listen(t, url, open(t, url, postgres.Config{}))
	tpl := template(t, s, false)
	task := add(t, s, tpl)
	notice := func(kind string) store.Notice {
		return store.Notice{Kind: kind, ProjectID: task.ProjectID, TaskID: task.ID}
	}
	await(t, heard, notice("added"))
	c := claim(t, s, 1)[0]
	await(t, heard, notice("changed"))
	require.NoError(t, s.Queue().Append(t.Context(), c.Lease, store.Append{Seq: 1, Lines: []store.LogLine{{Text: "x"}}}))
	await(t, heard, notice("output"))
	_, err := s.Tasks().Stop(t.Context(), task.ProjectID, task.ID, store.StopGentle, store.Event{})
	require.NoError(t, err)
	await(t, heard, notice("stop"))
	_, err = s.Queue().Finish(t.Context(), c.Lease, store.Finish{Status: store.Stopped})
	require.NoError(t, err)
	await(t, heard, notice("changed"))
}

// TestWhatIsNotCommittedIsNotTold: neither what was rolled back nor, of a host's
// transaction, what is not committed yet.
func TestWhatIsNotCommittedIsNotTold(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, db := open(t, url, postgres.Config{}), rawDB(t, url)
	heard := listen(t, url, s)
	tpl := template(t, s, false)
	var undone store.Task
	require.Error(t, s.InTx(t.Context(), func(_ context.Context, tx store.Store) error {
		undone = add(t, tx, tpl)
		return context.Canceled
	}))
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	task := add(t, s.WithTx(tx), tpl)
	marker := add(t, s, templateIn(t, s, tpl.ProjectID, false))
	for n := range heard {
		require.NotEqual(t, undone.ID, n.TaskID)
		require.NotEqual(t, task.ID, n.TaskID)
		if n.TaskID == marker.ID {
			break
		}
	}
	require.NoError(t, tx.Commit())
	await(t, heard, store.Notice{Kind: "added", ProjectID: task.ProjectID, TaskID: task.ID})
}

func TestAListenerBorrowsAConnectionOfTheHost(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	s, err := postgres.Use(t.Context(), rawDB(t, url), postgres.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	heard := listen(t, url, s)
	task := add(t, s, template(t, s, false))
	await(t, heard, store.Notice{Kind: "added", ProjectID: task.ProjectID, TaskID: task.ID})
}

func TestAListenerOutlivesARestart(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Own(t)
	url := cluster.Database(t)
	s := open(t, url, postgres.Config{})
	heard := listen(t, url, s)
	tpl := template(t, s, false)
	cluster.Kill(t)
	cluster.Start(t)
	await(t, heard, store.Notice{Kind: "changed"}) // for all that it has missed
	task := add(t, s, tpl)
	await(t, heard, store.Notice{Kind: "added", ProjectID: task.ProjectID, TaskID: task.ID})
}

func TestWithPollOnlyNobodyIsTold(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	heard := listen(t, url, open(t, url, postgres.Config{}))
	quiet := open(t, url+"&poll_only=true", postgres.Config{})
	tpl := template(t, quiet, false)
	add(t, quiet, tpl)
	require.Len(t, claim(t, quiet, 1), 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, quiet.Listen(ctx, func(store.Notice) {}), context.Canceled)
	loud := open(t, url, postgres.Config{})
	task := add(t, loud, templateIn(t, loud, tpl.ProjectID, false))
	require.Equal(t, store.Notice{Kind: "added", ProjectID: task.ProjectID, TaskID: task.ID}, <-heard)
}

func TestNoticesComeBackFromTheirPayloads(t *testing.T) {
	t.Parallel()
	var list []store.Notice
	for i := range int64(2000) {
		list = append(list, store.Notice{Kind: []string{"added", "changed", "output", "stop"}[i%4], ProjectID: i * i, TaskID: 1 << (i % 62)})
	}
	var back []store.Notice
	payloads := postgres.Encode(list)
	require.Greater(t, len(payloads), 1)
	for _, p := range payloads {
		require.Less(t, len(p), 8000)
		back = append(back, postgres.Decode(p)...)
	}
	require.Equal(t, list, back)
}

// FuzzDecode: anybody may notify.
func FuzzDecode(f *testing.F) {
	f.Add("a1:2 c3:4")
	f.Add("x1:2 a a: a:1 a1: a-1:-9223372036854775809 \xff")
	f.Fuzz(func(t *testing.T, payload string) {
		list := postgres.Decode(payload)
		require.LessOrEqual(t, len(list), len(strings.Fields(payload)))
		for _, n := range list {
			require.NotEmpty(t, n.Kind, fmt.Sprint(n))
		}
	})
}
