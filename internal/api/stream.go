package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	streamFlush = 100 * time.Millisecond // how long a line may wait for others
	streamQuiet = 15 * time.Second       // between signs of life
	streamHold  = 32 << 10               // bytes that wait at most
)

// stream sends the output of a task as server-sent events while it comes. The
// id of an event is the number of its line: one who comes back with
// Last-Event-ID goes on behind it. The event end tells that the task has ended.
func (s *Server) stream(c *call) error {
	from, err := c.number("from", 0, 0, math.MaxInt64)
	if err != nil {
		return err
	}
	if last := c.r.Header.Get("Last-Event-Id"); last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 || n == math.MaxInt64 {
			return invalid("Last-Event-ID", "is %q: send the number of the last line", clip(last, 40))
		}
		from = n + 1
	}
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.ctx())
	defer cancel()
	w := &watcher{by: c.viewer(context.WithoutCancel(ctx)), project: t.ProjectID, end: func(websocket.StatusCode, string) { cancel() }}
	if !s.live.join(ctx, w, nil) {
		return answer(http.StatusServiceUnavailable, "the server stops: come back later")
	}
	defer s.live.leave(w, nil)
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // what is held back by a proxy is not live
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return nil
	}
	out := &events{w: c.w, control: http.NewResponseController(c.w), gone: cancel}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		defer s.live.recovered("flush of a stream")
		out.flushUntil(done)
	}()
	defer func() {
		close(done)
		<-stopped
	}()
	if out.flush() != nil { // the head, at once
		return errGone
	}
	return c.follow(ctx, out, t.ID, from)
}

// follow writes lines until the task has ended.
func (c *call) follow(ctx context.Context, out *events, task, from int64) error {
	for line, err := range c.s.pool.Follow(ctx, c.project.ID, task, from) {
		if err != nil {
			if ctx.Err() != nil {
				return errGone
			}
			out.add("error", -1, map[string]string{"error": answerOf(err).text})
			return fmt.Errorf("stream of task %d: %w", task, errors.Join(err, out.flush()))
		}
		out.add("", line.Number, line)
	}
	t, err := c.s.pool.Task(ctx, c.project.ID, task)
	if err != nil {
		return err
	}
	out.add("end", -1, map[string]any{"status": t.Status, "task_id": t.ID})
	if out.flush() != nil {
		return errGone
	}
	return nil
}

// events gathers events and sends them together.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	gone    func() // called when the client does not take them

	mu  sync.Mutex
	buf bytes.Buffer
}

// add adds an event; an id below 0 is none.
func (e *events) add(name string, id int64, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		return // of these types it cannot be
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if id >= 0 {
		fmt.Fprintf(&e.buf, "id: %d\n", id)
	}
	if name != "" {
		fmt.Fprintf(&e.buf, "event: %s\n", name)
	}
	fmt.Fprintf(&e.buf, "data: %s\n\n", data)
	if e.buf.Len() >= streamHold {
		_ = e.send() // which tells gone
	}
}

// send writes what was gathered; e.mu is held.
func (e *events) send() error {
	_ = e.control.SetWriteDeadline(time.Now().Add(writeLimit)) // where there is one
	_, err := e.w.Write(e.buf.Bytes())
	e.buf.Reset()
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		e.gone()
	}
	return err
}

func (e *events) flush() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.send()
}

// flushUntil sends what has waited long enough, and a sign of life now and then.
func (e *events) flushUntil(done <-chan struct{}) {
	ticker := time.NewTicker(streamFlush)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-done:
			return
		case now := <-ticker.C:
			e.mu.Lock()
			if e.buf.Len() == 0 && now.Sub(last) >= streamQuiet {
				e.buf.WriteString(": still here\n\n")
			}
			if e.buf.Len() > 0 {
				_ = e.send() // which tells gone
				last = now
			}
			e.mu.Unlock()
		}
	}
}
