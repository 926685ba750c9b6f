package memory

import (
	"context"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/schema"
)

// outboxRow is an entry with the time from which on it is due.
type outboxRow struct {
	store.OutboxEntry
	due int64
}

// tell adds an entry about a task as it is now.
func (st *state) tell(kind store.OutboxKind, t store.Task) {
	st.told++
	st.outbox = st.outbox.with(st.told, outboxRow{due: st.at.UnixMilli(), OutboxEntry: store.OutboxEntry{
		ID: st.told, ProjectID: t.ProjectID, TaskID: t.ID, Kind: kind, Status: t.Status, Created: st.at,
	}})
}

func (q queue) Outbox(ctx context.Context, now time.Time, limit int) ([]store.OutboxEntry, error) {
	st, err := q.s.view(ctx)
	if err != nil {
		return nil, err
	}
	list := []store.OutboxEntry{}
	for _, row := range st.outbox.all(false) {
		if len(list) >= limit {
			break
		}
		if row.due <= schema.Millis(now) {
			list = append(list, row.OutboxEntry)
		}
	}
	return list, nil
}

// Settle of an entry that is gone changes nothing: two nodes may have dealt
// with it.
func (q queue) Settle(ctx context.Context, id int64, retry *time.Time) error {
	return q.s.write(ctx, func(st *state) error {
		row, ok := st.outbox.get(id)
		switch {
		case !ok:
		case retry == nil:
			st.outbox = st.outbox.without(id)
		default:
			row.due = schema.Millis(*retry)
			row.Tries++
			st.outbox = st.outbox.with(id, row)
		}
		return nil
	})
}
