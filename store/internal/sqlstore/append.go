package sqlstore

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
)

// Append stores what a run has yielded.
func (q queue) Append(ctx context.Context, l store.Lease, a store.Append) error {
	switch a.Status {
	case "", store.Starting, store.Running:
	default:
		return fmt.Errorf("a run cannot become %s by its output: %w", a.Status, store.ErrInvalid)
	}
	var late error // told after the commit: the lines are kept
	err := q.s.write(ctx, func(ctx context.Context, c conn) error {
		late = nil
		h, err := q.s.held(ctx, c, l)
		if err != nil {
			return err
		}
		if !h.valid {
			late = fmt.Errorf("lease of task %d, attempt %d: %w", l.TaskID, l.Attempt, store.ErrLease)
		}
		if !h.known || a.Seq <= h.seq {
			return nil
		}
		if _, err := c.exec(ctx, "UPDATE task_attempt SET log_seq = $1 WHERE task_id = $2 AND attempt = $3", a.Seq, l.TaskID, l.Attempt); err != nil {
			return err
		}
		if !h.valid {
			return q.s.appendLate(ctx, c, h.Task, l, a)
		}
		t := h.Task
		if a.Status != "" && t.Status.CanBecome(a.Status) {
			t.Status = a.Status
			c.notice(noticeChanged, t)
		}
		if err := q.s.results(ctx, c, &t, a); err != nil {
			return err
		}
		if err := q.s.addLines(ctx, c, &t, l.Attempt, a, false); err != nil {
			return err
		}
		return saveRun(ctx, c, t)
	})
	if err == nil {
		err = late
	}
	if err != nil {
		return fmt.Errorf("append to task %d: %w", l.TaskID, err)
	}
	return nil
}

// saveRun stores what Append and Finish may change in a running task.
func saveRun(ctx context.Context, c conn, t store.Task) error {
	_, err := c.exec(ctx, `UPDATE task SET status = $1, commit_hash = $2, commit_message = $3, command = $4, "plan" = $5,
		log_lines = $6, log_bytes = $7, late = $8 WHERE id = $9`,
		string(t.Status), text(t.CommitHash), t.CommitMessage, raw(t.Command), raw(t.Plan),
		t.LogLines, t.LogBytes, t.Late, t.ID)
	return err
}

// raw is JSON text as it is stored.
func raw(text []byte) any {
	if len(text) == 0 {
		return nil
	}
	return string(text)
}

// addLines numbers lines and adds them to a task's output, in the task too.
func (s *Store) addLines(ctx context.Context, c conn, t *store.Task, attempt int, a store.Append, late bool) error {
	if len(a.Lines) == 0 {
		return nil
	}
	records := make([]logchunk.Record, len(a.Lines))
	size := int64(0)
	for i, line := range a.Lines {
		records[i] = logchunk.Record{
			Time: line.Time, Stream: line.Stream, Text: line.Text,
			Partial: line.Partial, Truncated: line.Truncated, Masked: line.Masked,
		}
		size += int64(len(line.Text))
	}
	start, data := logchunk.Encode(records)
	_, err := c.exec(ctx, `INSERT INTO log_chunk (task_id, project_id, first_line, lines, attempt, start, codec, late, fresh, bytes, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, $9, $10)`,
		t.ID, t.ProjectID, t.LogLines, len(records), attempt, start, int(logchunk.Raw), late, size, data)
	c.notice(noticeOutput, *t)
	t.LogLines += int64(len(records))
	t.LogBytes += size
	return err
}

// appendLate keeps lines that arrive after the end of their lease, and tells of
// them once per task.
func (s *Store) appendLate(ctx context.Context, c conn, t store.Task, l store.Lease, a store.Append) error {
	if err := s.addLines(ctx, c, &t, l.Attempt, a, true); err != nil {
		return err
	}
	if !t.Late {
		t.Late = true
		if err := s.tell(ctx, c, store.OutboxLate, t); err != nil {
			return err
		}
		if err := s.notef(ctx, c, t, "got late output of attempt %d", l.Attempt); err != nil {
			return err
		}
	}
	return saveRun(ctx, c, t)
}
