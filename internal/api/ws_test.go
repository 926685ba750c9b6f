package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// serve serves the world's handler on a port of its own.
func (w *world) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(w.handler)
	t.Cleanup(func() {
		require.NoError(t, w.server.Close())
		server.Close()
	})
	return server.URL
}

// dial opens a websocket as somebody.
func (w *world) dial(t *testing.T, url, as, query string) *websocket.Conn {
	t.Helper()
	header := http.Header{}
	header.Set("Authorization", "Bearer "+w.tokens[as])
	conn, res, err := websocket.Dial(t.Context(), url+"/api/ws"+w.fill(query), &websocket.DialOptions{HTTPHeader: header})
	require.NoError(t, err)
	if res.Body != nil {
		require.NoError(t, res.Body.Close())
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// next reads a frame.
func next(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, frame, err := conn.Read(ctx)
	require.NoError(t, err)
	return string(frame)
}

// until reads frames up to one that has a text, and returns them all.
func until(t *testing.T, conn *websocket.Conn, text string) []string {
	t.Helper()
	var list []string
	for {
		list = append(list, next(t, conn))
		if strings.Contains(list[len(list)-1], text) {
			return list
		}
	}
}

// closedWith reads until the other side closes, and returns why it did.
func closedWith(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			require.NoError(t, ctx.Err())
			return websocket.CloseStatus(err)
		}
	}
}

func TestWebsocketFrames(t *testing.T) {
	t.Parallel()
	backends(t, options{script: script}, func(t *testing.T, w *world) {
		url := w.serve(t)
		guest, stranger, admin := w.dial(t, url, "guest", ""), w.dial(t, url, "stranger", ""), w.dial(t, url, "admin", "?project={p}")
		batch, quiet := w.dial(t, url, "owner", "?batch=1"), w.dial(t, url, "owner", "?lines=0")
		w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		frames := until(t, guest, `"status":"success"`)
		require.Equal(t, []string{"end", "project_id", "start", "status", "task_id", "template_id", "type", "version"}, members(t, frames[0]))
		var lines []string
		for _, f := range frames {
			if strings.Contains(f, `"type":"log"`) {
				require.Equal(t, []string{"output", "project_id", "task_id", "time", "type"}, members(t, f))
				lines = append(lines, f)
			}
		}
		require.Len(t, lines, 2)
		// Each frame shows the task as it is then, which may have started by now.
		require.Contains(t, frames[0], `"type":"update"`)
		require.Contains(t, frames[0], w.fill(`"task_id":{task},"template_id":{template},"project_id":{p},"version":null`))
		require.Equal(t, frames, until(t, admin, `"status":"success"`))
		joined := strings.Join(until(t, batch, `"status":"success"`), "\n")
		require.Contains(t, joined, `"type":"logs"`)
		require.NotContains(t, joined, `"type":"log"`)
		require.NotContains(t, strings.Join(until(t, quiet, `"status":"success"`), "\n"), `"type":"log`)
		one := w.dial(t, url, "guest", fmt.Sprintf("?task=%d", w.ids["task"]+1))
		other := w.dial(t, url, "guest", fmt.Sprintf("?task=%d", w.ids["task"]+2))
		w.created("second", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		require.Contains(t, strings.Join(until(t, one, `"status":"success"`), ""), w.fill(`"task_id":{second}`))
		w.created("third", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		require.Contains(t, next(t, other), w.fill(`"task_id":{third}`))
		w.created("foreign", "stranger", "/project/{q}/tasks", `{"template_id":{q_template}}`)
		require.Contains(t, next(t, stranger), w.fill(`"task_id":{foreign}`), "the first frame is not of another project")
		require.NoError(t, w.server.Close())
		require.Equal(t, websocket.StatusGoingAway, closedWith(t, guest))
	})
}

func TestWebsocketsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	url := w.serve(t)
	cookie := w.signInAs("owner")[1]
	for _, tc := range []struct {
		name   string
		query  string
		header map[string]string
		status int
	}{
		{"of nobody", "", nil, 401},
		{"of another site by cookie", "", map[string]string{"Cookie": cookie, "Origin": "https://evil.example.org"}, 403},
		{"of another site as the browser says", "", map[string]string{"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}, 403},
		{"of our own site", "", map[string]string{"Cookie": cookie, "Origin": "https://semaphore.example.org"}, 101},
		{"of a program", "", map[string]string{"Cookie": cookie}, 101},
		{"of another site by token", "", map[string]string{"Authorization": "Bearer " + w.tokens["guest"], "Origin": "https://evil.example.org"}, 101},
		{"for a foreign project", "?project={q}", map[string]string{"Cookie": cookie}, 404},
		{"for no task", "?task=x", map[string]string{"Cookie": cookie}, 400},
	} {
		header := http.Header{}
		for name, value := range tc.header {
			header.Set(name, value)
		}
		conn, res, err := websocket.Dial(t.Context(), url+"/api/ws"+w.fill(tc.query), &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // an upgraded connection has none, and a refusal is closed by the library
		require.NotNil(t, res, tc.name)
		require.Equal(t, tc.status, res.StatusCode, tc.name)
		if err == nil {
			require.NoError(t, conn.CloseNow())
		}
	}
	w.play([]scenario{{name: "without an upgrade", method: "GET", path: "/ws", status: 426}})
}

func TestWatchingEndsWithTheRightTo(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		url := w.serve(t)
		_, err := w.st.Projects().Members().Create(t.Context(), store.Member{ProjectID: w.ids["q"], UserID: w.ids["manager"], Role: "guest"})
		require.NoError(t, err)
		gone, member, bound := w.dial(t, url, "guest", ""), w.dial(t, url, "manager", ""), w.dial(t, url, "manager", "?project={p}")
		begun := time.Now()
		require.NoError(t, w.auth.DeleteToken(t.Context(), w.ids["guest"], w.tokens["guest"][:8]))
		members, err := w.st.Projects().Members().List(t.Context(), w.ids["p"], store.Query{Where: map[string]any{"user_id": w.ids["manager"]}})
		require.NoError(t, err)
		require.NoError(t, w.st.Projects().Members().Delete(t.Context(), w.ids["p"], members.Items[0].ID))
		require.Equal(t, websocket.StatusPolicyViolation, closedWith(t, gone))
		require.Equal(t, websocket.StatusPolicyViolation, closedWith(t, bound))
		require.Less(t, time.Since(begun), 5*time.Second)
		w.created("hidden", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		w.created("seen", "stranger", "/project/{q}/tasks", `{"template_id":{q_template}}`)
		require.Contains(t, next(t, member), w.fill(`"project_id":{q}`))
	})
}

func TestASlowClientIsCutOffAlone(t *testing.T) {
	t.Parallel()
	const lines = 1000 // 500 messages
	w := newWorld(t, options{script: func(*job.Spec) jobtest.Script {
		list := make([]string, lines)
		for i := range list {
			list[i] = strings.Repeat("x", 60_000)
		}
		return jobtest.Script{Lines: list, Delay: 3 * time.Millisecond}
	}})
	url := w.serve(t)
	slow, fast := w.dial(t, url, "owner", ""), w.dial(t, url, "owner", "?batch=1")
	fast.SetReadLimit(-1)
	w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
	n := 0
	for _, f := range until(t, fast, `"status":"success"`) {
		var frame struct{ Lines []json.RawMessage }
		require.NoError(t, json.Unmarshal([]byte(f), &frame))
		n += len(frame.Lines)
	}
	require.Equal(t, lines, n)
	require.NotEqual(t, websocket.StatusNormalClosure, closedWith(t, slow))
}

func TestHostProgramsWatchToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, api: func(c *api.Config) {
		c.Authenticate = func(r *http.Request) (*store.User, error) {
			if r.Header.Get("X-Host-User") == "" {
				return nil, nil
			}
			return &store.User{ID: 2, Username: "owner"}, nil
		}
	}})
	url := w.serve(t)
	conn, _, err := websocket.Dial(t.Context(), url+"/api/ws", &websocket.DialOptions{HTTPHeader: http.Header{"X-Host-User": {"2"}}}) //nolint:bodyclose // an upgraded connection has none, and a refusal is closed by the library
	require.NoError(t, err)
	defer conn.CloseNow()
	_, err = w.pool.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"]}})
	require.NoError(t, err)
	require.Contains(t, next(t, conn), `"type":"update"`)
}
