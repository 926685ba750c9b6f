package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

const (
	notifyEvery   = 100 * time.Millisecond // at most ten in a second
	notifyTimeout = 5 * time.Second
	maxPending    = 4096 // notices that wait; more are dropped, for they are hints
	maxPayload    = 7900 // bytes that a NOTIFY carries
)

// notifier gathers notices and sends them, a few times in a second, by a
// connection that no transaction uses. Its goroutine runs while there is
// something to send; close waits for it.
type notifier struct {
	log  *slog.Logger
	send func(payload string) error
	stop chan struct{}
	work sync.WaitGroup

	mu      sync.Mutex
	pending []store.Notice
	known   map[store.Notice]bool // those of pending
	running bool
	closed  bool
}

func newNotifier(log *slog.Logger, send func(payload string) error) *notifier {
	return &notifier{log: log, send: send, stop: make(chan struct{}), known: map[store.Notice]bool{}}
}

// sender notifies by a handle that has a connection to spare.
func sender(ctx context.Context, db *sql.DB, channel string) func(payload string) error {
	return func(payload string) error {
		ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
		defer cancel()
		_, err := db.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, payload)
		return err
	}
}

// tellIn notifies as soon as somebody else commits.
func tellIn(channel string) func(context.Context, sqlstore.Querier, []store.Notice) error {
	return func(ctx context.Context, q sqlstore.Querier, list []store.Notice) error {
		for len(list) > 0 {
			payload, n := encode(list)
			if _, err := q.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, payload); err != nil {
				return err
			}
			list = list[n:]
		}
		return nil
	}
}

// add never waits.
func (n *notifier) add(list []store.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, notice := range list {
		if len(n.pending) < maxPending && !n.known[notice] {
			n.pending = append(n.pending, notice)
			n.known[notice] = true
		}
	}
	if !n.running && !n.closed {
		n.running = true
		n.work.Go(n.run)
	}
}

// take returns what to send next, "" for nothing: then the goroutine ends.
func (n *notifier) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	payload, taken := encode(n.pending)
	for _, notice := range n.pending[:taken] {
		delete(n.known, notice)
	}
	n.pending = n.pending[taken:]
	n.running = taken > 0
	return payload
}

func (n *notifier) run() {
	defer func() {
		if r := recover(); r != nil {
			n.log.Error("panic in notifier", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			n.mu.Lock()
			n.running = false
			n.mu.Unlock()
		}
	}()
	for {
		payload := n.take()
		if payload == "" {
			return
		}
		if err := n.send(payload); err != nil {
			n.log.Debug("notify other servers", "error", err)
		}
		timer := time.NewTimer(notifyEvery)
		select {
		case <-timer.C:
		case <-n.stop: // the rest goes at once
			timer.Stop()
		}
	}
}

// close sends what is left.
func (n *notifier) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	close(n.stop)
	n.work.Wait()
}

// kindOf returns the kind of notice that a letter stands for, its first one, ""
// for none that is known.
func kindOf(letter byte) string {
	switch letter {
	case 'a':
		return "added"
	case 'c':
		return "changed"
	case 'o':
		return "output"
	case 's':
		return "stop"
	}
	return ""
}

// encode writes as many notices as a payload takes, and tells how many.
func encode(list []store.Notice) (payload string, n int) {
	var b strings.Builder
	for _, notice := range list {
		word := notice.Kind[:1] + strconv.FormatInt(notice.ProjectID, 10) + ":" + strconv.FormatInt(notice.TaskID, 10)
		if b.Len()+1+len(word) > maxPayload {
			break
		}
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		n++
	}
	return b.String(), n
}

// decode reads a payload, without what it does not understand: that of a newer
// program.
func decode(payload string) []store.Notice {
	var list []store.Notice
	for word := range strings.FieldsSeq(payload) {
		project, task, ok := strings.Cut(word[1:], ":")
		if !ok {
			continue
		}
		notice := store.Notice{Kind: kindOf(word[0])}
		var errs [2]error
		notice.ProjectID, errs[0] = strconv.ParseInt(project, 10, 64)
		notice.TaskID, errs[1] = strconv.ParseInt(task, 10, 64)
		if notice.Kind != "" && errs[0] == nil && errs[1] == nil {
			list = append(list, notice)
		}
	}
	return list
}
