package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/logchunk"
)

const (
	compactChunks = 256     // raw chunks that an unfinished task gathers
	compactBytes  = 4 << 20 // of text that one step packs
)

// errMoved tells that the chunks of a task are not those that were packed.
var errMoved = errors.New("chunks have changed")

// Compact packs the raw chunks of one task, or clears what a finished one has
// left of its bundle. The writer is held only to swap the chunks.
func (l logs) Compact(ctx context.Context) (more bool, err error) {
	if more, err = l.sweepBundle(ctx); err != nil || more {
		return more, err
	}
	c := l.s.read()
	var task int64
	err = c.row(ctx, `SELECT r.task_id FROM (SELECT task_id, count(*) AS n FROM log_chunk WHERE fresh GROUP BY task_id) r
		JOIN task t ON t.id = r.task_id WHERE r.n >= $1 OR t.`+isFinished+" LIMIT 1", []any{compactChunks}, &task)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		err = l.compact(ctx, c, task)
	}
	if errors.Is(err, errMoved) {
		err = nil
	}
	if err != nil {
		return false, fmt.Errorf("compact output of task %d: %w", task, err)
	}
	return true, nil
}

// chunk is a chunk with what the codec does not know of.
type chunk struct {
	logchunk.Chunk
	project int64
	late    bool
	bytes   int64 // of text
	fresh   bool  // as it was appended
}

func (l logs) compact(ctx context.Context, c conn, task int64) error {
	old, err := compactable(ctx, c, task)
	if err != nil || len(old) == 0 {
		return err
	}
	packed := pack(old)
	return l.s.bulk(ctx, func(ctx context.Context, c conn) error { return swap(ctx, c, task, old, packed) })
}

// compactable returns the first raw chunks of a task, and the one before them,
// which may take some more.
func compactable(ctx context.Context, c conn, task int64) ([]chunk, error) {
	query := `SELECT project_id, first_line, lines, attempt, start, codec, late, fresh, bytes, data FROM log_chunk
		WHERE task_id = $1 AND first_line >= (SELECT coalesce(max(first_line), 0) FROM log_chunk WHERE task_id = $1 AND first_line <
			(SELECT min(first_line) FROM log_chunk WHERE task_id = $1 AND fresh)) ORDER BY first_line`
	var list []chunk
	var size int64
	err := c.each(ctx, query, []any{task}, func(rows *sql.Rows) error {
		var k chunk
		err := rows.Scan(&k.project, &k.FirstLine, &k.Lines, &k.Attempt, &k.Start, &k.Codec, &k.late, &k.fresh, &k.bytes, &k.Data)
		if err != nil {
			return err
		}
		list = append(list, k)
		if size += k.bytes; size > compactBytes && k.fresh {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return list, nil
}

// pack merges chunks, late ones apart from others.
func pack(list []chunk) []chunk {
	var packed []chunk
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(k chunk) bool { return k.late != list[0].late })
		if n < 0 {
			n = len(list)
		}
		run := make([]logchunk.Chunk, n)
		for i := range run {
			run[i] = list[i].Chunk
		}
		for _, m := range logchunk.Merge(run, 0) {
			k := chunk{Chunk: m, project: list[0].project, late: list[0].late}
			// A damaged chunk comes back as it was; its readable text is what counts.
			_ = m.Decode(func(_ int64, r logchunk.Record) bool { k.bytes += int64(len(r.Text)); return true })
			packed = append(packed, k)
		}
		list = list[n:]
	}
	return packed
}

// swap puts packed chunks into the place of old ones, if those are still there.
func swap(ctx context.Context, c conn, task int64, old, packed []chunk) error {
	first, last := old[0].FirstLine, old[len(old)-1].FirstLine
	for _, k := range old {
		n, err := c.exec(ctx, "UPDATE log_chunk SET fresh = FALSE WHERE task_id = $1 AND first_line = $2 AND lines = $3 AND codec = $4 AND fresh = $5",
			task, k.FirstLine, k.Lines, int(k.Codec), k.fresh)
		if err != nil {
			return err
		}
		if n == 0 {
			return errMoved
		}
	}
	if _, err := c.exec(ctx, "DELETE FROM log_chunk WHERE task_id = $1 AND first_line BETWEEN $2 AND $3", task, first, last); err != nil {
		return err
	}
	for _, k := range packed {
		_, err := c.exec(ctx, `INSERT INTO log_chunk (task_id, project_id, first_line, lines, attempt, start, codec, late, fresh, bytes, data)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE, $9, $10)`,
			task, k.project, k.FirstLine, k.Lines, k.Attempt, k.Start, int(k.Codec), k.late, k.bytes, k.Data)
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepBundle deletes what a finished task has left of a large bundle.
func (l logs) sweepBundle(ctx context.Context) (bool, error) {
	c := l.s.read()
	var task int64
	err := c.row(ctx, "SELECT b.task_id FROM task_bundle b JOIN task t ON t.id = b.task_id WHERE t."+isFinished+" LIMIT 1", nil, &task)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		err = l.s.bulk(ctx, func(ctx context.Context, c conn) error {
			_, err := c.exec(ctx, `DELETE FROM task_bundle WHERE task_id = $1 AND part IN
				(SELECT part FROM task_bundle WHERE task_id = $1 ORDER BY part LIMIT $2)`, task, partsAtOnce)
			return err
		})
	}
	if err != nil {
		return false, fmt.Errorf("clear bundle of task %d: %w", task, err)
	}
	return true, nil
}
