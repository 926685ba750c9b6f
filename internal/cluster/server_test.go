//go:build linux

package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/store"
)

// server is a running `semaphore server`, and a client of it.
type server struct {
	*process
	w   *world
	dir string // its data_dir
	url string
}

// try sends a request and returns status and body.
func (s *server) try(method, path string, body any) (int, string, error) {
	return request(s.t, s.w.client, method, s.url+"/api"+path, s.w.token, body)
}

func request(t testing.TB, client *http.Client, method, url, token string, body any) (int, string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, "", err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return 0, "", err
	}
	if body == nil {
		req.Body = http.NoBody
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	return res.StatusCode, string(reply), err
}

// must sends a request that has to succeed and decodes the reply.
func (s *server) must(method, path string, body, out any) {
	s.t.Helper()
	status, text, err := s.try(method, path, body)
	require.NoError(s.t, err)
	require.Lessf(s.t, status, 300, "%s %s: %s", method, path, text)
	if out != nil {
		require.NoError(s.t, json.Unmarshal([]byte(text), out), text)
	}
}

// run starts a task.
func (s *server) run(template int64) store.Task {
	s.t.Helper()
	var task store.Task
	s.must("POST", fmt.Sprintf("/project/%d/tasks", s.w.project), map[string]any{"template_id": template}, &task)
	return task
}

func pathOf(t store.Task, more string) string {
	return fmt.Sprintf("/project/%d/tasks/%d%s", t.ProjectID, t.ID, more)
}

// task reads a task.
func (s *server) task(t store.Task) (now store.Task) {
	s.t.Helper()
	s.must("GET", pathOf(t, ""), nil, &now)
	return now
}

// becomes asks until a task has the state.
func (s *server) becomes(t store.Task, status store.Status) (now store.Task) {
	s.t.Helper()
	eventually(s.t, func() bool {
		now = s.task(t)
		if now.Status != status && now.Status.Finished() {
			require.FailNowf(s.t, "task has ended", "task %d is to become %s, and is %s: %s\n%s", t.ID, status, now.Status, now.Reason, s.output(t))
		}
		return now.Status == status
	}, "task %d is to become %s", t.ID, status)
	return now
}

// output is the plain output of a task.
func (s *server) output(t store.Task) string {
	s.t.Helper()
	var lines []struct{ Output string }
	s.must("GET", pathOf(t, "/output"), nil, &lines)
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.Output + "\n")
	}
	return text.String()
}

// nodes is the list of servers as this one has it.
func (s *server) nodes() []nodes.Node {
	s.t.Helper()
	var info struct {
		Version string
		Nodes   []nodes.Node
	}
	s.must("GET", "/info", nil, &info)
	for _, n := range info.Nodes {
		require.Equal(s.t, info.Version, n.Version)
	}
	return info.Nodes
}

// alive counts the servers that are there.
func (s *server) alive() (n int) {
	s.t.Helper()
	for _, node := range s.nodes() {
		if node.Alive {
			n++
		}
	}
	return n
}
