package api_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// listen opens a stream and returns its lines.
func (w *world) listen(t *testing.T, url, as, path string, header ...string) *bufio.Scanner {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api"+w.fill(path), nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	return bufio.NewScanner(res.Body)
}

func rest(s *bufio.Scanner) string {
	var b strings.Builder
	for s.Scan() {
		b.WriteString(s.Text() + "\n")
	}
	return b.String()
}

func TestStream(t *testing.T) {
	t.Parallel()
	backends(t, options{script: script}, func(t *testing.T, w *world) {
		url := w.serve(t)
		w.alive()
		w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
		one := "/project/{p}/tasks/{task}/stream"
		all := rest(w.listen(t, url, "guest", one))
		require.Contains(t, all, "id: 0\ndata: {\"n\":0,")
		require.Contains(t, all, "id: 1\ndata: {\"n\":1,")
		require.True(t, strings.HasSuffix(all, w.fill("event: end\ndata: {\"status\":\"success\",\"task_id\":{task}}\n\n")), all)
		again := rest(w.listen(t, url, "guest", one, "Last-Event-ID", "0"))
		require.NotContains(t, again, "id: 0\n")
		require.Contains(t, again, "id: 1\n")
		w.play([]scenario{
			{name: "of an unknown task", method: "GET", path: "/project/{p}/tasks/999/stream", status: 400},
			{name: "behind no line", method: "GET", path: one, header: []string{"Last-Event-ID", "x"}, status: 400, contains: []string{"Last-Event-ID"}},
			{name: "for a stranger", as: "stranger", method: "GET", path: one, status: 404},
			{name: "for nobody", as: "nobody", method: "GET", path: one, status: 401},
			{name: "the head alone", method: "HEAD", path: one, status: 200},
		})
	})
}

func TestAStreamEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	url := w.serve(t)
	w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
	s := w.listen(t, url, "guest", "/project/{p}/tasks/{task}/stream")
	members, err := w.st.Projects().Members().List(t.Context(), w.ids["p"], store.Query{Where: map[string]any{"user_id": w.ids["guest"]}})
	require.NoError(t, err)
	require.NoError(t, w.st.Projects().Members().Delete(t.Context(), w.ids["p"], members.Items[0].ID))
	require.NotContains(t, rest(s), "event: end")
}

func TestAStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	url := w.serve(t)
	w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
	s := w.listen(t, url, "guest", "/project/{p}/tasks/{task}/stream")
	require.NoError(t, w.server.Close())
	require.NotContains(t, rest(s), "event: end")
	w.play([]scenario{{name: "and none begins", method: "GET", path: "/project/{p}/tasks/{task}/stream", status: 503}})
}
