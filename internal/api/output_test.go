package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

// printed makes a task {name} that has put out lines, and has ended.
func (w *world) printed(t *testing.T, name string, lines int, text func(i int) string) {
	t.Helper()
	ctx := t.Context()
	row, err := w.st.Tasks().Create(ctx, store.NewTask{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"], Status: store.Waiting}})
	require.NoError(t, err)
	w.ids[name] = row.ID
	claimed, err := w.st.Queue().Claim(ctx, store.ClaimRequest{Owner: "test", Tags: []string{""}, Max: 1, TTL: time.Minute})
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for seq, from := claimed[0].NextSeq, 0; from < lines; seq, from = seq+1, from+5000 {
		var batch []store.LogLine
		for i := from; i < min(from+5000, lines); i++ {
			batch = append(batch, store.LogLine{Time: at.Add(time.Duration(i) * time.Microsecond), Text: text(i)})
		}
		require.NoError(t, w.st.Queue().Append(ctx, claimed[0].Lease, store.Append{Seq: seq, Status: store.Running, Lines: batch}))
	}
	_, err = w.st.Queue().Finish(ctx, claimed[0].Lease, store.Finish{Status: store.Success})
	require.NoError(t, err)
	for more := true; more; {
		more, err = w.st.Logs().Compact(ctx)
		require.NoError(t, err)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		odd := []string{"\x1b[32mok\x1b[0m: [<web>]", `two "quoted" \ back`, "", "tab\there", "größe \xff"}
		w.printed(t, "task", len(odd), func(i int) string { return odd[i] })
		one := "/project/{p}/tasks/{task}"
		a := w.do("guest", "GET", one+"/output", "")
		require.Equal(t, 200, a.Status)
		require.Equal(t, "application/json", a.Header.Get("Content-Type"))
		require.Equal(t, []string{"id", "output", "stage_id", "task_id", "time"}, members(t, firstOf(t, a.Body)))
		var lines []struct {
			ID     int64 `json:"id"`
			TaskID int64 `json:"task_id"`
			Time   time.Time
			Output string
		}
		a.decode(t, &lines)
		require.Len(t, lines, len(odd))
		for i, l := range lines {
			require.Equal(t, int64(i), l.ID)
			require.Equal(t, w.ids["task"], l.TaskID)
			require.Equal(t, strings.ToValidUTF8(odd[i], "\ufffd"), l.Output)
			require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, i*1000, time.UTC), l.Time)
		}
		w.play([]scenario{
			{name: "raw output has no colours", as: "guest", method: "GET", path: one + "/raw_output", status: 200, contains: []string{"ok: [<web>]\n", "\n\ntab\there\n"}, lacks: []string{"\x1b"},
				after: func(t *testing.T, _ *world, a answer) {
					require.Equal(t, "text/plain; charset=utf-8", a.Header.Get("Content-Type"))
				}},
			{name: "a page", method: "GET", path: one + "/output?from=1&limit=2", status: 200, contains: []string{`"id":1`, `"id":2`}, lacks: []string{`"id":0`, `"id":3`},
				after: func(t *testing.T, _ *world, a answer) {
					require.Equal(t, []string{"3", "5"}, []string{a.Header.Get("X-Next"), a.Header.Get("X-Total-Count")})
				}},
			{name: "a page behind the end", method: "GET", path: one + "/output?from=99", status: 200, contains: []string{"[]"}},
			{name: "a wrong page", method: "GET", path: one + "/output?from=-1", status: 400, contains: []string{"from"}},
			{name: "a page that is too large", method: "GET", path: one + "/output?limit=1000000", status: 400, contains: []string{"limit"}},
			{name: "of an unknown task", method: "GET", path: "/project/{p}/tasks/999/output", status: 400},
			{name: "of a task elsewhere", as: "stranger", method: "GET", path: "/project/{q}/tasks/{task}/raw_output", status: 400},
			{name: "a stranger", as: "stranger", method: "GET", path: one + "/output", status: 404},
			{name: "nobody", as: "nobody", method: "GET", path: one + "/raw_output", status: 401},
			{name: "the head alone", method: "HEAD", path: one + "/output", status: 200},
		})
		row, err := w.st.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"], Status: store.Waiting}})
		require.NoError(t, err)
		w.ids["silent"] = row.ID
		require.Equal(t, "[]\n", w.do("guest", "GET", "/project/{p}/tasks/{silent}/output", "").Body)
		require.Empty(t, w.do("guest", "GET", "/project/{p}/tasks/{silent}/raw_output", "").Body)
	})
}

// TestLongOutputComesInPages prints how long 45,000 lines take, or LINES.
func TestLongOutputComesInPages(t *testing.T) {
	t.Parallel()
	n := 45_000
	if text := os.Getenv("LINES"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.printed(t, "task", n, func(i int) string { return "ok: [host-" + strconv.Itoa(i%100) + "] => line " + strconv.Itoa(i) })
		server := httptest.NewServer(w.handler)
		defer server.Close()
		begun := time.Now()
		raw, err := w.fetch(t, server.URL, "guest", "/project/{p}/tasks/{task}/raw_output")
		require.NoError(t, err)
		t.Logf("%d raw lines in %s", n, time.Since(begun))
		require.Equal(t, n, strings.Count(raw, "\n"))
		require.True(t, strings.HasSuffix(raw, "line "+strconv.Itoa(n-1)+"\n"))
		begun = time.Now()
		all, err := w.fetch(t, server.URL, "guest", "/project/{p}/tasks/{task}/output")
		require.NoError(t, err)
		t.Logf("%d lines as JSON in %s", n, time.Since(begun))
		var list []struct{ ID int }
		require.NoError(t, json.Unmarshal([]byte(all), &list))
		require.Len(t, list, n)
		require.Equal(t, n-1, list[n-1].ID)
	})
}

// brokenLogs fail behind the first page.
type brokenLogs struct{ store.LogStore }

func (b brokenLogs) Read(ctx context.Context, project, task, from int64, limit int) (store.LogPage, error) {
	if from > 0 {
		return store.LogPage{}, errors.New("disk on fire")
	}
	return b.LogStore.Read(ctx, project, task, from, limit)
}

type brokenStore struct{ store.Store }

func (b brokenStore) Logs() store.LogStore { return brokenLogs{b.Store.Logs()} }

func TestAReplyThatBreaksOffIsNotTakenForAWholeOne(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, options{idle: true}, func(t *testing.T) (store.Store, func() string) {
		st, dump := openMemory(t)
		return brokenStore{st}, dump
	})
	w.printed(t, "task", 25_000, func(int) string { return "x" })
	server := httptest.NewServer(w.handler)
	defer server.Close()
	_, err := w.fetch(t, server.URL, "guest", "/project/{p}/tasks/{task}/raw_output")
	require.Error(t, err)
}

// FuzzLine holds what is written by hand against encoding/json.
func FuzzLine(f *testing.F) {
	for _, text := range []string{"", "plain", `"<&>\`, "\x1b[0m", "\xff\xfe", "\u2028", "ü", "\x7f"} {
		f.Add(text, int64(7))
	}
	f.Fuzz(func(t *testing.T, text string, nanos int64) {
		l := store.LogLine{Number: 3, Time: time.Unix(0, nanos), Text: text}
		got, err := api.AppendLine(nil, 9, &l)
		require.NoError(t, err)
		want, err := json.Marshal(map[string]any{"id": 3, "task_id": 9, "time": l.Time.UTC(), "output": text, "stage_id": nil})
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
	})
}

// fetch is do over a connection.
func (w *world) fetch(t *testing.T, url, as, path string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api"+w.fill(path), nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+w.tokens[as])
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	body, err := io.ReadAll(res.Body)
	return string(body), err
}
