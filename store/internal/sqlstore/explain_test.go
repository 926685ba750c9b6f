package sqlstore_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// scan matches a walk over all rows of a table that grows. A walk over the part
// of an index that holds what waits or runs is none.
var scan = regexp.MustCompile(`^SCAN (task|t|o|log_chunk|event|task_attempt)( |$)`)

var partial = regexp.MustCompile(`USING (COVERING )?INDEX (task_queue|task_leased|task_heads|log_chunk_fresh)`)

func TestNoStatementOfTheQueueReadsAWholeTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 5 {
		b.add(t)
	}
	ctx, project := t.Context(), b.tpl.ProjectID
	l := b.claim(t)
	steps := []struct {
		name string
		run  func() error
	}{
		{"create", func() error { b.add(t); return nil }},
		{"claim", func() error { b.claim(t); return nil }},
		{"extend", func() error {
			_, err := b.Queue().Extend(ctx, "me", []store.Lease{l}, time.Minute)
			return err
		}},
		{"append", func() error { b.append(t, l, 1, "a"); return nil }},
		{"finish", func() error {
			_, err := b.Queue().Finish(ctx, l, store.Finish{Status: store.Success})
			return err
		}},
		{"expire", func() error {
			_, err := b.Queue().Expire(ctx, store.Expiry{Self: "other", AllDead: true})
			return err
		}},
		{"leases", func() error { _, err := b.Queue().Leases(ctx); return err }},
		{"outbox", func() error { _, err := b.Queue().Outbox(ctx, time.Now(), 10); return err }},
		{"place", func() error { _, err := b.Tasks().Place(ctx, project, l.TaskID+3, 2); return err }},
		{"stop", func() error {
			_, err := b.Tasks().Stop(ctx, project, l.TaskID+3, store.StopGentle, store.Event{})
			return err
		}},
		{"list", func() error {
			_, err := b.Tasks().List(ctx, store.TaskFilter{ProjectID: project, Statuses: []store.Status{store.Running}})
			return err
		}},
		{"last", func() error { _, err := b.Tasks().Last(ctx, project, 10); return err }},
		{"counts", func() error { _, err := b.Tasks().Counts(ctx, store.TaskFilter{ProjectID: project}); return err }},
		{"read output", func() error { _, err := b.Logs().Read(ctx, project, l.TaskID, 0, 10); return err }},
		{"compact", func() error { _, err := b.Logs().Compact(ctx); return err }},
		{"purge", func() error {
			_, err := b.Tasks().Purge(ctx, store.PurgeRule{ProjectID: project, Keep: 1, Before: time.Now()}, 10)
			return err
		}},
		{"events", func() error { _, err := b.Events().Purge(ctx, 5, 10); return err }},
	}
	for _, step := range steps {
		b.rec.take()
		require.NoError(t, step.run(), step.name)
		statements := b.rec.take()
		require.NotEmpty(t, statements, step.name)
		for _, s := range statements {
			for _, line := range b.plan(t, s) {
				if scan.MatchString(line) && !partial.MatchString(line) {
					t.Errorf("%s: %s\n%s", step.name, line, s.text)
				}
			}
		}
	}
}

func (b bundle) plan(t *testing.T, s statement) []string {
	t.Helper()
	if strings.HasPrefix(s.text, "SAVEPOINT") || strings.HasPrefix(s.text, "RELEASE") {
		return nil
	}
	rows, err := b.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.text, s.args...)
	require.NoError(t, err)
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		lines = append(lines, detail)
	}
	require.NoError(t, rows.Err())
	return lines
}
