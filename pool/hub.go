package pool

import (
	"context"
	"errors"
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

// ErrSlow ends the subscription of somebody who did not keep up. What was
// missed is in the store: go on with [TaskPool.Follow], or read the task anew.
var ErrSlow = errors.New("subscriber is too slow")

// Message is something that has just been stored.
type Message struct {
	Task  *store.Task     // the task as it is now, for a change of state
	Lines []store.LogLine // new lines of output; not to be changed
	// The task that this is about.
	ProjectID int64
	TaskID    int64
}

// Topic chooses what a subscriber hears of. Zero fields do not restrict.
type Topic struct {
	ProjectID int64
	TaskID    int64
	NoLines   bool // changes of state only
}

func (t Topic) covers(project, task int64) bool {
	return (t.ProjectID == 0 || t.ProjectID == project) && (t.TaskID == 0 || t.TaskID == task)
}

// Subscription is a live view. It is bounded: one who does not keep up is cut,
// which closes C.
type Subscription struct {
	C <-chan Message

	hub   *hub
	topic Topic
	c     chan Message
	err   error // guarded by hub.mu
}

// subscriberBuffer is how many messages may wait for a subscriber.
const subscriberBuffer = 256

// Subscribe shows what happens from now on, until Close or a cut: at once what
// this process does, and a moment later what others do that share its store.
func (p *TaskPool) Subscribe(t Topic) *Subscription {
	s := &Subscription{hub: p.hub, topic: t, c: make(chan Message, subscriberBuffer)}
	s.C = s.c
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	p.hub.subs[s] = true
	p.elsewhere.bell.ring()
	return s
}

// Close ends the subscription. It may be called again.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.end(s, nil)
}

// Err tells why C was closed: [ErrSlow], or nil after Close.
func (s *Subscription) Err() error {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.err
}

// hub passes messages on. Sends never block.
type hub struct {
	mu   sync.Mutex
	subs map[*Subscription]bool
}

func newHub() *hub { return &hub{subs: map[*Subscription]bool{}} }

// end removes a subscriber; hub.mu is held.
func (h *hub) end(s *Subscription, err error) {
	if h.subs[s] {
		delete(h.subs, s)
		s.err = err
		close(s.c)
	}
}

func (h *hub) send(m Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if !s.topic.covers(m.ProjectID, m.TaskID) || s.topic.NoLines && m.Task == nil {
			continue
		}
		select {
		case s.c <- m:
		default:
			h.end(s, ErrSlow)
		}
	}
}

// task tells that a task has changed.
func (h *hub) task(t store.Task) {
	h.send(Message{Task: &t, ProjectID: t.ProjectID, TaskID: t.ID})
}

// lines tells that output was stored.
func (h *hub) lines(l store.Lease, lines []store.LogLine) {
	if len(lines) > 0 {
		h.send(Message{Lines: lines, ProjectID: l.ProjectID, TaskID: l.TaskID})
	}
}

// heard tells whether anybody listens to a task.
func (h *hub) heard(project, task int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if s.topic.covers(project, task) {
			return true
		}
	}
	return false
}

// changed reads a task anew and tells everybody; who misses it sees the store.
func (p *TaskPool) changed(ctx context.Context, project, id int64) {
	if !p.hub.heard(project, id) {
		return
	}
	if t, err := p.st.Tasks().Get(ctx, project, id); err == nil {
		p.hub.task(t)
	}
}

// busy tells whether anybody listens.
func (h *hub) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs) > 0
}

// wantsLines tells whether anybody listens to the output of a task.
func (h *hub) wantsLines(project, task int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if !s.topic.NoLines && s.topic.covers(project, task) {
			return true
		}
	}
	return false
}
