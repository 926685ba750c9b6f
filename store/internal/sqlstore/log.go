package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
)

type logs struct{ s *Store }

// maxPageText bounds the text of a page; the page ends early then.
const maxPageText = 16 << 20

// Read returns lines by their numbers.
func (l logs) Read(ctx context.Context, project, task, from int64, limit int) (page store.LogPage, err error) {
	c := l.s.read()
	err = c.row(ctx, "SELECT log_lines FROM task WHERE id = $1 AND project_id = $2", []any{task, project}, &page.Total)
	if err != nil {
		return page, fmt.Errorf("read output of task %d: %w", task, err)
	}
	from = max(from, 0)
	page.Lines, page.Next = []store.LogLine{}, from
	if limit <= 0 || from >= page.Total {
		return page, nil
	}
	// The chunk that holds the first line begins at or before it.
	query := `SELECT first_line, lines, attempt, start, codec, late, data FROM log_chunk WHERE task_id = $1 AND project_id = $2
		AND first_line >= coalesce((SELECT max(first_line) FROM log_chunk WHERE task_id = $1 AND first_line <= $3), 0)
		AND first_line < $4 ORDER BY first_line`
	r := reader{page: &page, limit: limit}
	err = c.each(ctx, query, []any{task, project, from, page.Total}, r.chunk)
	if err != nil && !errors.Is(err, errEnough) {
		return store.LogPage{}, fmt.Errorf("read output of task %d: %w", task, err)
	}
	if err == nil { // whatever is behind the last chunk is gone
		r.skip(page.Total)
	}
	return page, nil
}

// reader fills a page chunk by chunk.
type reader struct {
	page  *store.LogPage
	limit int
	text  int
}

// skip counts the lines up to a number as damaged.
func (r *reader) skip(to int64) {
	if to > r.page.Next {
		r.page.Damaged += to - r.page.Next
		r.page.Next = to
	}
}

func (r *reader) chunk(rows *sql.Rows) error {
	var c logchunk.Chunk
	var late bool
	var data sql.RawBytes
	if err := rows.Scan(&c.FirstLine, &c.Lines, &c.Attempt, &c.Start, &c.Codec, &late, &data); err != nil {
		return err
	}
	c.Data = data
	end := min(c.FirstLine+c.Lines, r.page.Total)
	if end <= r.page.Next {
		return nil
	}
	r.skip(c.FirstLine)
	err := c.DecodeRange(r.page.Next, end, func(number int64, rec logchunk.Record) bool {
		r.page.Lines = append(r.page.Lines, store.LogLine{
			Number: number, Attempt: c.Attempt, Time: rec.Time, Stream: rec.Stream, Late: late, Text: rec.Text,
			Partial: rec.Partial, Truncated: rec.Truncated, Masked: rec.Masked,
		})
		r.page.Next = number + 1
		r.text += len(rec.Text)
		return len(r.page.Lines) < r.limit && r.text < maxPageText
	})
	switch {
	case len(r.page.Lines) >= r.limit || r.text >= maxPageText:
		return errEnough
	case errors.Is(err, logchunk.ErrDamaged):
		r.skip(end)
		return nil
	}
	return err
}

// Size tells how much room the output of a task takes.
func (l logs) Size(ctx context.Context, project, task int64) (size store.LogSize, err error) {
	c := l.s.read()
	err = c.row(ctx, "SELECT log_lines, log_bytes FROM task WHERE id = $1 AND project_id = $2", []any{task, project}, &size.Lines, &size.Text)
	if err == nil {
		err = c.row(ctx, "SELECT count(*), coalesce(sum(length(data)), 0) FROM log_chunk WHERE task_id = $1 AND project_id = $2",
			[]any{task, project}, &size.Chunks, &size.Stored)
	}
	if err != nil {
		return store.LogSize{}, fmt.Errorf("measure output of task %d: %w", task, err)
	}
	return size, nil
}
