//go:build linux

package cluster_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// frame is what a websocket is sent.
type frame struct {
	Type   string       `json:"type"`
	TaskID int64        `json:"task_id"`
	Status store.Status `json:"status"`
	Output string       `json:"output"`
	Time   time.Time    `json:"time"`

	at time.Time // when it came
}

// watcher is a websocket of a server.
type watcher struct {
	s *server

	mu     sync.Mutex
	frames []frame
	err    error
	news   chan struct{}
}

// watch opens a websocket that is sent all of all tasks.
func (s *server) watch() *watcher {
	s.t.Helper()
	conn, _, err := websocket.Dial(s.t.Context(), s.url+"/api/ws", &websocket.DialOptions{ //nolint:bodyclose // the connection is closed, and a refusal has no body to speak of
		HTTPClient: &http.Client{Transport: s.w.client.Transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + s.w.token}},
	})
	require.NoError(s.t, err)
	conn.SetReadLimit(-1)
	w := &watcher{s: s, news: make(chan struct{})}
	done := make(chan struct{})
	ctx := context.WithoutCancel(s.t.Context())
	go func() {
		defer close(done)
		for {
			_, text, err := conn.Read(ctx)
			f := frame{at: time.Now()}
			if err == nil {
				err = json.Unmarshal(text, &f)
			}
			w.mu.Lock()
			w.frames, w.err = append(w.frames, f), err
			close(w.news)
			w.news = make(chan struct{})
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	s.t.Cleanup(func() {
		_ = conn.CloseNow()
		<-done
	})
	return w
}

// sees waits until something was sent of a task.
func (w *watcher) sees(t store.Task, what string, is func(frame) bool) frame {
	w.s.t.Helper()
	limit := time.After(patience)
	for {
		w.mu.Lock()
		frames, err, news := w.frames, w.err, w.news
		w.mu.Unlock()
		for _, f := range frames {
			if f.TaskID == t.ID && is(f) {
				return f
			}
		}
		require.NoError(w.s.t, err, what)
		select {
		case <-news:
		case <-limit:
			require.FailNowf(w.s.t, "it is not shown", "%s of task %d", what, t.ID)
		}
	}
}

// line waits for a line of output.
func (w *watcher) line(t store.Task, text string) frame {
	w.s.t.Helper()
	return w.sees(t, text, func(f frame) bool { return f.Type == "log" && strings.Contains(f.Output, text) })
}

// status waits for a change.
func (w *watcher) status(t store.Task, s store.Status) frame {
	w.s.t.Helper()
	return w.sees(t, string(s), func(f frame) bool { return f.Type == "update" && f.Status == s })
}
