package job

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// errOverQuota tells that a line was left out because of the quota.
var errOverQuota = errors.New("over the log quota")

const (
	maxBacklog = 8 << 20  // memory for lines that the sink did not take
	lineMemory = 64       // of a Line without its text, about
	keepLines  = 16 << 10 // room for lines that is kept once they are gone
)

// lineQueue holds the lines between those who write them and the one goroutine
// that takes them to the sink. Lines stay in the queue until they have been
// delivered.
type lineQueue struct {
	batch int   // bytes that are worth a delivery
	quota int64 // bytes of the tools' text that are kept
	// wake receives when the queue is no longer empty and when a batch is there.
	wake chan struct{}

	mu      sync.Mutex
	room    *sync.Cond // something was delivered, or tried to be, or closed
	lines   []Line
	size    int // bytes of text, line feeds included
	taken   int // lines, from the first on, with the sink just now
	used    int64
	over    int64 // lines left out because of the quota
	dropped int64 // newest lines that found no room while the sink failed
	last    time.Time
	failing bool // the sink did not take the last delivery
	closed  bool
}

func newLineQueue(batch int, quota int64) *lineQueue {
	q := &lineQueue{batch: batch, quota: quota, wake: make(chan struct{}, 1)}
	q.room = sync.NewCond(&q.mu)
	return q
}

// put adds a line of a tool. It waits while the sink is busy and two batches
// are there.
func (q *lineQueue) put(l Line) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && q.full() {
		q.room.Wait()
	}
	if q.closed {
		return errOutputClosed
	}
	size := int64(len(l.Text)) + 1
	if q.over > 0 || q.used+size > q.quota {
		if q.over++; q.over == 1 {
			q.append(q.notice("log quota of %d bytes reached: further lines are left out", q.quota))
		}
		return errOverQuota
	}
	q.used += size
	q.append(l)
	return nil
}

// add adds a line of the run, without waiting and regardless of the quota.
func (q *lineQueue) add(l Line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.append(l)
	}
}

// full tells whether a tool's line has to wait. While the sink fails nothing
// waits, unless a call is under way that may make room.
func (q *lineQueue) full() bool {
	if q.failing {
		return q.taken > 0 && q.crowded()
	}
	return q.size >= 2*q.batch
}

// crowded tells whether no more lines are kept while the sink fails. Once lines
// were dropped, so is what follows: there is one gap, not many.
func (q *lineQueue) crowded() bool {
	return q.dropped > 0 || q.size+len(q.lines)*lineMemory >= maxBacklog
}

// append adds l to the queue, at a time that is not before that of the line in
// front of it.
func (q *lineQueue) append(l Line) {
	if q.failing && q.crowded() {
		q.dropped++
		return
	}
	// Without its monotonic part the time is what will be stored and compared.
	if l.Time = l.Time.Round(0); l.Time.Before(q.last) {
		l.Time = q.last
	}
	q.last = l.Time
	before := q.size
	q.lines = append(q.lines, l)
	q.size += len(l.Text) + 1
	if before == 0 || before < q.batch && q.size >= q.batch {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

// notice is a line of the queue itself, as old as the last one.
func (q *lineQueue) notice(format string, args ...any) Line {
	return Line{Time: q.last, Stream: System, Text: fmt.Sprintf(format, args...)}
}

// take returns a copy of all lines, to be reported to settle.
func (q *lineQueue) take() []Line {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken = len(q.lines)
	return slices.Clone(q.lines)
}

// settle removes the lines that take returned if the sink took them, and keeps
// them otherwise.
func (q *lineQueue) settle(delivered bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.room.Broadcast()
	n := q.taken
	q.taken, q.failing = 0, !delivered
	if !delivered {
		return
	}
	for _, l := range q.lines[:n] {
		q.size -= len(l.Text) + 1
	}
	q.lines = slices.Delete(q.lines, 0, n)
	if len(q.lines) == 0 && cap(q.lines) > keepLines {
		q.lines = nil
	}
	if q.dropped > 0 { // what is in the queue now came after the gap
		gap := q.notice("%d lines dropped: the log could not be stored", q.dropped)
		q.lines = slices.Insert(q.lines, 0, gap)
		q.size += len(gap.Text) + 1
		q.dropped = 0
	}
}

// state tells how many lines there are, and whether they make a batch for a
// sink that works.
func (q *lineQueue) state() (waiting int, due bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.lines), !q.failing && q.size >= q.batch
}

// finish adds what is to be said at the end; no further line is taken.
func (q *lineQueue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over > 0 {
		q.append(q.notice("log quota: %d lines left out", q.over))
	}
	q.closed = true
	q.room.Broadcast()
}

// close drops what is left and tells how many lines that were.
func (q *lineQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lines, q.size, q.closed = nil, 0, true
}

// lost counts the lines that were never delivered.
func (q *lineQueue) lost() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(len(q.lines)) + q.dropped
}
