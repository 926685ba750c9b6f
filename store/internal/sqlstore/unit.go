package sqlstore

import (
	"context"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// unit is what a transaction gathers while it runs.
type unit struct {
	now     time.Time // of the database; zero until it was asked
	notices []store.Notice
	host    bool // somebody else commits it
}

// The kinds of notices.
const (
	noticeAdded   = "added"
	noticeChanged = "changed"
	noticeOutput  = "output"
	noticeStop    = "stop"
)

// mark and reset forget the notices of what was undone.
func (u *unit) mark() int {
	if u == nil {
		return 0
	}
	return len(u.notices)
}

func (u *unit) reset(to int) {
	if u != nil {
		u.notices = u.notices[:to]
	}
}

// notice is told to others once the transaction has committed.
func (c conn) notice(kind string, t store.Task) {
	if c.unit == nil || c.d.Tell == nil {
		return
	}
	c.unit.notices = append(c.unit.notices, store.Notice{Kind: kind, ProjectID: t.ProjectID, TaskID: t.ID})
}

// pass puts the notices into a transaction that somebody else commits.
func (c conn) pass(ctx context.Context) error {
	if !c.unit.host || len(c.unit.notices) == 0 || c.d.TellIn == nil {
		return nil
	}
	err := c.d.TellIn(ctx, c.q, c.unit.notices)
	c.unit.notices = nil
	if err != nil {
		return c.d.Fault(err)
	}
	return nil
}

func (d *Dialect) tell(list []store.Notice) {
	if d.Tell != nil && len(list) > 0 {
		d.Tell(list)
	}
}

// Ends of a statement that reads what its transaction goes on to change. Rows
// that refer to it may be added meanwhile where the key stays.
const (
	forChange   = " FOR NO KEY UPDATE"
	forDeletion = " FOR UPDATE"
)

// locking returns the end of a statement, "" where one writer works at a time.
func (c conn) locking(end string) string {
	if !c.d.RowLocks {
		return ""
	}
	return end
}

// lockTask waits for others that work on a task: statements that follow see what
// they have left. A task that is gone is no error.
func (c conn) lockTask(ctx context.Context, project, id int64) error {
	if !c.d.RowLocks {
		return nil
	}
	_, err := c.exists(ctx, "SELECT id FROM task WHERE id = $1 AND project_id = $2"+forChange, id, project)
	return err
}
