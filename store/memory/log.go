package memory

import (
	"context"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

type logs struct{ s *Store }

func (l logs) Read(ctx context.Context, project, task, from int64, limit int) (page store.LogPage, err error) {
	w, err := tasks(l).work(ctx, project, task)
	if err != nil {
		return page, err
	}
	page.Total = int64(len(w.lines))
	from = max(from, 0)
	first := min(from, page.Total)
	last := min(first+int64(max(limit, 0)), page.Total)
	page.Lines = slices.Clone(w.lines[first:last])
	page.Next = from + last - first
	return page, nil
}

// Compact has nothing to do: lines are kept as they are.
func (l logs) Compact(ctx context.Context) (more bool, err error) {
	_, err = l.s.view(ctx)
	return false, err
}

func (l logs) Size(ctx context.Context, project, task int64) (size store.LogSize, err error) {
	w, err := tasks(l).work(ctx, project, task)
	if err != nil {
		return size, err
	}
	for _, line := range w.lines {
		size.Text += int64(len(line.Text))
	}
	size.Lines, size.Stored = int64(len(w.lines)), size.Text
	if size.Lines > 0 {
		size.Chunks = 1
	}
	return size, nil
}
