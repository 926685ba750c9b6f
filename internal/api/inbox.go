package api

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/pool"
)

const (
	// inboxLines is how many lines may wait to be passed on. Beyond, lines get
	// lost, and with them those who watch that task: they come back and read what
	// they missed.
	inboxLines = 50_000
	// inboxBytes bounds their text in the same way.
	inboxBytes = 64 << 20
	// pumpPause is how long lines may wait for others of their task, so that many
	// of them need few writes.
	pumpPause = 20 * time.Millisecond
)

// inbox takes messages faster than anybody makes them, so that a flood of lines
// of one task harms nobody who watches another. Lines of a task that come close
// together become one message.
type inbox struct {
	bell chan struct{}

	mu    sync.Mutex
	list  []pool.Message
	open  map[int64]place // by task: the message that takes further lines
	lines int
	bytes int
}

// place is where a message is in the list, and whether its lines are ours.
type place struct {
	index int
	owned bool
}

func newInbox() *inbox {
	return &inbox{bell: make(chan struct{}, 1), open: map[int64]place{}}
}

// put adds a message.
func (in *inbox) put(m pool.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if m.Task != nil {
		delete(in.open, m.TaskID) // lines keep their place around changes
		in.list = append(in.list, m)
	} else {
		in.putLines(m)
	}
	select {
	case in.bell <- struct{}{}:
	default:
	}
}

// putLines adds lines; in.mu is held. A message whose lines found no room has
// neither lines nor task.
func (in *inbox) putLines(m pool.Message) {
	for i := range m.Lines {
		in.bytes += len(m.Lines[i].Text)
	}
	in.lines += len(m.Lines)
	if in.lines > inboxLines || in.bytes > inboxBytes {
		m.Lines = nil
	}
	at, there := in.open[m.TaskID]
	if !there {
		in.open[m.TaskID] = place{index: len(in.list)}
		in.list = append(in.list, m)
		return
	}
	switch before := &in.list[at.index]; {
	case lost(*before): // and so is what follows
	case m.Lines == nil:
		before.Lines = nil
	default:
		if !at.owned {
			before.Lines = slices.Clone(before.Lines) // those of the pool stay as they are
			in.open[m.TaskID] = place{at.index, true}
		}
		before.Lines = append(before.Lines, m.Lines...)
	}
}

// take returns what has come, in order.
func (in *inbox) take() []pool.Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	list := in.list
	in.list, in.lines, in.bytes = nil, 0, 0
	clear(in.open)
	return list
}

// lost tells that lines of a task are missing here.
func lost(m pool.Message) bool { return m.Task == nil && m.Lines == nil }

// receive takes what the pool tells, and nothing else.
func (l *live) receive(ctx context.Context, sub *pool.Subscription, in *inbox) {
	defer l.recovered("inbox of watchers")
	defer func() { sub.Close() }()
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-sub.C:
			if !open { // too slow even so, which nobody can make up for
				l.interrupt()
				sub = l.s.pool.Subscribe(pool.Topic{})
				continue
			}
			in.put(m)
		}
	}
}

// pump passes on what was received. It never waits for a client.
func (l *live) pump(ctx context.Context, in *inbox) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-in.bell:
		}
		for _, m := range in.take() {
			l.deliver(ctx, m)
		}
		pause := time.NewTimer(pumpPause)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// interrupt ends all websockets: clients that come back read what they missed.
// Streams have no part in it.
func (l *live) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.viewers {
		for w := range v.watchers {
			if w.client != nil {
				w.end(closeLost, whyLost)
			}
		}
	}
}
