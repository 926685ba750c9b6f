package foreign

import (
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Output is stored in chunks. Lines of tasks that ran at once are mixed in the
// old table, so that a few chunks are open at a time.
const (
	chunkLines = 2000
	chunkBytes = 256 << 10
	openBytes  = 16 << 20 // of all open chunks
)

// chunk is output of a task that is not stored yet.
type chunk struct {
	lines []store.LogLine
	bytes int
	last  time.Time
}

// output turns rows, one per line, into chunks.
type output struct {
	l     *loader
	open  map[int64]*chunk
	bytes int
}

func (l *loader) loadOutput() error {
	if l.o.NoTasks || l.o.NoLogs {
		return nil
	}
	o := &output{l: l, open: map[int64]*chunk{}}
	if err := l.each("task__output", "output", o.add); err != nil {
		return err
	}
	return o.flushAll()
}

// add takes one row. Its text is kept byte for byte.
func (o *output) add(it *item) error {
	task := it.number("task_id")
	note := o.l.tasks[task]
	if note == nil {
		it.note = Note{ID: it.note.ID}
		it.refuse("is a line of task %d, which does not exist", task)
		o.l.rep.refused("output", it.note)
		return nil
	}
	c := o.open[task]
	if c == nil {
		c = &chunk{last: o.l.now}
		o.open[task] = c
	}
	if t := it.time("time"); t != nil {
		c.last = *t
	}
	text, _ := it.value("output").(string)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		c.lines = append(c.lines, store.LogLine{Attempt: 1, Time: c.last, Text: line})
		c.bytes += len(line)
		o.bytes += len(line)
	}
	o.l.rep.kept("output")
	if len(c.lines) >= chunkLines || c.bytes >= chunkBytes {
		return o.flush(task, c)
	}
	if o.bytes >= openBytes || len(o.open) > chunkLines {
		return o.flushAll()
	}
	return nil
}

func (o *output) flushAll() error {
	tasks := make([]int64, 0, len(o.open))
	for task := range o.open {
		tasks = append(tasks, task)
	}
	slices.Sort(tasks)
	for _, task := range tasks {
		if err := o.flush(task, o.open[task]); err != nil {
			return err
		}
	}
	clear(o.open)
	return nil
}

// flush stores a chunk in the order of times, as it was shown.
func (o *output) flush(task int64, c *chunk) error {
	if len(c.lines) == 0 {
		return nil
	}
	note := o.l.tasks[task]
	slices.SortStableFunc(c.lines, func(a, b store.LogLine) int { return a.Time.Compare(b.Time) })
	record, err := o.l.stage.Lines(note.project, task, note.lines, c.lines)
	if err != nil {
		return err
	}
	note.lines += int64(len(c.lines))
	note.bytes += int64(c.bytes)
	o.bytes -= c.bytes
	c.lines, c.bytes = c.lines[:0], 0
	return o.l.stage.Load(o.l.ctx, record)
}
