package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// pack compacts until there is nothing left to do and tells how often.
func (b bundle) pack(t *testing.T) int {
	t.Helper()
	for n := range 1000 {
		more, err := b.Logs().Compact(t.Context())
		require.NoError(t, err)
		if !more {
			return n
		}
	}
	t.Fatal("compaction does not end")
	return 0
}

func (b bundle) chunks(t *testing.T, task int64) int {
	t.Helper()
	size, err := b.Logs().Size(t.Context(), b.tpl.ProjectID, task)
	require.NoError(t, err)
	return size.Chunks
}

func (b bundle) texts(t *testing.T, task int64) []string {
	t.Helper()
	page, err := b.Logs().Read(t.Context(), b.tpl.ProjectID, task, 0, 100_000)
	require.NoError(t, err)
	list := []string{}
	for i, line := range page.Lines {
		require.EqualValues(t, i, line.Number)
		list = append(list, line.Text)
	}
	return list
}

func TestChunksAreCompactedAsTheyGatherAndAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(t)
	l := b.claim(t)
	var want []string
	seq := int64(0)
	more := func(n int) {
		for range n {
			seq++
			text := fmt.Sprintf("line %d", seq)
			want = append(want, text)
			b.append(t, l, seq, text)
		}
	}
	more(255)
	require.Zero(t, b.pack(t), "a run that goes on gathers 256 chunks")
	require.Equal(t, 255, b.chunks(t, task.ID))
	more(1)
	require.Equal(t, 1, b.pack(t))
	require.Equal(t, 1, b.chunks(t, task.ID))
	more(10)
	require.Zero(t, b.pack(t))
	require.Equal(t, want, b.texts(t, task.ID))
	_, err := b.Queue().Finish(t.Context(), l, store.Finish{Status: store.Success})
	require.NoError(t, err)
	require.Equal(t, 1, b.pack(t))
	require.Equal(t, 1, b.chunks(t, task.ID), "the small chunk took the rest")
	require.Equal(t, want, b.texts(t, task.ID))
}

func TestAStepOfCompactionIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(t)
	l := b.claim(t)
	line := strings.Repeat("all work and no play ", 3000)
	for seq := range int64(300) { // 18 MB
		b.append(t, l, seq+1, line)
	}
	_, err := b.Queue().Finish(t.Context(), l, store.Finish{Status: store.Success})
	require.NoError(t, err)
	require.Greater(t, b.pack(t), 3)
	require.Len(t, b.texts(t, task.ID)[:10], 10)
	size, err := b.Logs().Size(t.Context(), b.tpl.ProjectID, task.ID)
	require.NoError(t, err)
	require.Less(t, size.Stored, size.Text/10)
	require.EqualValues(t, 300, size.Lines)
}

func TestADamagedChunkCostsItsOwnLinesOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(t)
	l := b.claim(t)
	for seq := range int64(5) {
		b.append(t, l, seq+1, fmt.Sprintf("a%d", seq), fmt.Sprintf("b%d", seq))
	}
	_, err := b.db.ExecContext(t.Context(), "UPDATE log_chunk SET data = $1 WHERE first_line = 4", []byte{1})
	require.NoError(t, err)
	_, err = b.Queue().Finish(t.Context(), l, store.Finish{Status: store.Success})
	require.NoError(t, err)
	for _, when := range []string{"before", "after"} {
		page, err := b.Logs().Read(t.Context(), b.tpl.ProjectID, task.ID, 3, 100)
		require.NoError(t, err, when)
		require.EqualValues(t, 2, page.Damaged, when)
		require.EqualValues(t, 10, page.Next, when)
		require.Len(t, page.Lines, 5, when)
		require.Equal(t, "b1", page.Lines[0].Text, when)
		require.Equal(t, "a3", page.Lines[1].Text, when)
		b.pack(t)
	}
	require.Equal(t, 3, b.chunks(t, task.ID))
	_, err = b.db.ExecContext(t.Context(), "DELETE FROM log_chunk WHERE first_line >= 4")
	require.NoError(t, err)
	page, err := b.Logs().Read(t.Context(), b.tpl.ProjectID, task.ID, 0, 100)
	require.NoError(t, err)
	require.Len(t, page.Lines, 4)
	require.EqualValues(t, 6, page.Damaged, "what is gone is counted too")
	require.EqualValues(t, 10, page.Next)
}

func TestLateLinesStayMarkedWhenTheyArePacked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(t)
	l := b.claim(t)
	b.append(t, l, 1, "in time")
	_, err := b.Queue().Finish(t.Context(), l, store.Finish{Status: store.Success})
	require.NoError(t, err)
	err = b.Queue().Append(t.Context(), l, store.Append{Seq: 2, Lines: []store.LogLine{{Text: "late"}}})
	require.ErrorIs(t, err, store.ErrLease)
	b.pack(t)
	err = b.Queue().Append(t.Context(), l, store.Append{Seq: 2, Lines: []store.LogLine{{Text: "late"}}})
	require.ErrorIs(t, err, store.ErrLease)
	page, err := b.Logs().Read(t.Context(), b.tpl.ProjectID, task.ID, 0, 10)
	require.NoError(t, err)
	require.Len(t, page.Lines, 2, "packed chunks still know what they hold")
	require.False(t, page.Lines[0].Late)
	require.True(t, page.Lines[1].Late)
}

func TestALargeBundleIsClearedInSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(t)
	l := b.claim(t)
	for part := range 10 {
		require.NoError(t, b.Artifacts().SaveBundle(t.Context(), task.ProjectID, task.ID, part, []byte("data")))
	}
	_, err := b.Queue().Finish(t.Context(), l, store.Finish{Status: store.Success})
	require.NoError(t, err)
	_, err = b.Artifacts().Bundle(t.Context(), task.ProjectID, task.ID, 0)
	require.ErrorIs(t, err, store.ErrNotFound, "it is out of reach at once")
	require.Equal(t, 3, b.pack(t))
	var n int
	require.NoError(t, b.db.QueryRowContext(t.Context(), "SELECT count(*) FROM task_bundle").Scan(&n))
	require.Zero(t, n)
}

func TestPurgeTakesLongOutputInSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.add(t)
	l := b.claim(t)
	for seq := range int64(200) {
		b.append(t, l, seq+1, "line")
	}
	_, err := b.Queue().Finish(t.Context(), l, store.Finish{Status: store.Success})
	require.NoError(t, err)
	b.rec.take()
	n, err := b.Tasks().Purge(t.Context(), store.PurgeRule{ProjectID: task.ProjectID, KeepBytes: 1}, 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	steps := 0
	for _, s := range b.rec.take() {
		if strings.HasPrefix(s.text, "DELETE FROM log_chunk") {
			steps++
		}
	}
	require.Equal(t, 4, steps)
	for _, table := range []string{"task", "log_chunk", "task_attempt", "outbox"} {
		var n int
		require.NoError(t, b.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
		require.Zero(t, n, table)
	}
}
