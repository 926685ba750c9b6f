package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func purgeCases() []testCase {
	return []testCase{
		{"tasks that ended long ago are purged", purgesByAge},
		{"tasks beyond the newest so many are purged", purgesByCount},
		{"tasks beyond so many bytes of output are purged", purgesByBytes},
		{"a rule is for one project, or one template of it", purgesScope},
		{"a rule without bounds keeps everything, and one without a project is refused", purgeRefuses},
		{"unfinished tasks are never purged", purgesFinishedOnly},
		{"a purge takes a few at a time, the oldest first", purgeLimit},
	}
}

// ended makes a finished task with so many bytes of output.
func (w *world) ended(t *testing.T, size int, change ...func(*store.NewTask)) int64 {
	t.Helper()
	c := w.run(t, change...)
	if size > 0 {
		w.append(t, c.Lease, store.Append{Seq: 1, Lines: lines(strings.Repeat("x", size))})
	}
	w.finish(t, c.Lease, store.Success)
	w.clock.advance(time.Hour)
	return c.Task.ID
}

func (w *world) purge(t *testing.T, r store.PurgeRule, limit int) int {
	t.Helper()
	n, err := w.Tasks().Purge(t.Context(), r, limit)
	require.NoError(t, err)
	return n
}

func (w *world) left(t *testing.T) []int64 {
	t.Helper()
	page, err := w.Tasks().List(t.Context(), store.TaskFilter{ProjectID: w.project.ID, Oldest: true})
	require.NoError(t, err)
	return taskIDs(page.Items)
}

func purgesByAge(t *testing.T, w *world) {
	old, edge := w.ended(t, 0), w.clock.Now()
	young := w.ended(t, 0)
	require.Equal(t, 1, w.purge(t, store.PurgeRule{ProjectID: w.project.ID, Before: edge}, 100))
	require.Equal(t, []int64{young}, w.left(t))
	_, err := w.Tasks().Get(t.Context(), w.project.ID, old)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Zero(t, w.purge(t, store.PurgeRule{ProjectID: w.project.ID, Before: edge}, 100))
}

func purgesByCount(t *testing.T, w *world) {
	var made []int64
	for range 5 {
		made = append(made, w.ended(t, 0))
	}
	require.Equal(t, 3, w.purge(t, store.PurgeRule{ProjectID: w.project.ID, Keep: 2}, 100))
	require.Equal(t, made[3:], w.left(t))
}

func purgesByBytes(t *testing.T, w *world) {
	var made []int64
	for range 6 {
		made = append(made, w.ended(t, 100))
	}
	require.Equal(t, 3, w.purge(t, store.PurgeRule{ProjectID: w.project.ID, KeepBytes: 300}, 100))
	require.Equal(t, made[3:], w.left(t))
}

func purgesScope(t *testing.T, w *world) {
	tpl, other := w.newTemplate(t), w.neighbour(t)
	one, two := w.ended(t, 0), w.ended(t, 0, of(tpl))
	theirs := other.ended(t, 0)
	all := w.clock.Now()
	require.Zero(t, w.purge(t, store.PurgeRule{ProjectID: other.project.ID, TemplateID: tpl.ID, Before: all}, 100))
	require.Equal(t, 1, w.purge(t, store.PurgeRule{ProjectID: w.project.ID, TemplateID: tpl.ID, Before: all}, 100))
	require.Equal(t, []int64{one}, w.left(t))
	require.NotContains(t, w.left(t), two)
	require.Equal(t, 1, w.purge(t, store.PurgeRule{ProjectID: w.project.ID, Before: all}, 100))
	require.Equal(t, []int64{theirs}, other.left(t))
}

func purgeRefuses(t *testing.T, w *world) {
	id := w.ended(t, 10)
	require.Zero(t, w.purge(t, store.PurgeRule{ProjectID: w.project.ID}, 100))
	_, err := w.Tasks().Purge(t.Context(), store.PurgeRule{Keep: 1, Before: w.clock.Now()}, 100)
	require.ErrorIs(t, err, store.ErrInvalid)
	require.Equal(t, []int64{id}, w.left(t))
}

func purgesFinishedOnly(t *testing.T, w *world) {
	var open []int64
	for _, s := range states() {
		b := w.bring(t, s)
		if !s.Finished() {
			open = append(open, b.task.ID)
			continue
		}
	}
	w.ended(t, 10)
	w.ended(t, 10)
	w.clock.advance(1000 * time.Hour)
	w.purge(t, store.PurgeRule{ProjectID: w.project.ID, Before: w.clock.Now(), Keep: 1, KeepBytes: 1}, 100)
	require.Equal(t, open, w.left(t))
}

func purgeLimit(t *testing.T, w *world) {
	var made []int64
	for range 5 {
		made = append(made, w.ended(t, 10))
	}
	rule := store.PurgeRule{ProjectID: w.project.ID, Before: w.clock.Now()}
	require.Equal(t, 2, w.purge(t, rule, 2))
	require.Equal(t, made[2:], w.left(t))
	require.Equal(t, 2, w.purge(t, rule, 2))
	require.Equal(t, 1, w.purge(t, rule, 2))
	require.Zero(t, w.purge(t, rule, 2))
}
