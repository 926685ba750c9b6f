package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func lineOf(task int64, texts ...string) pool.Message {
	m := pool.Message{ProjectID: 1, TaskID: task}
	for _, text := range texts {
		m.Lines = append(m.Lines, store.LogLine{Text: text})
	}
	return m
}

func changeOf(task int64) pool.Message {
	return pool.Message{ProjectID: 1, TaskID: task, Task: &store.Task{ID: task}}
}

// told writes messages down: the lines, ! for a change, ? for lost ones.
func told(list []pool.Message) string {
	var words []string
	for _, m := range list {
		switch {
		case m.Task != nil:
			words = append(words, "!")
		case m.Lines == nil:
			words = append(words, "?")
		}
		for _, l := range m.Lines {
			words = append(words, l.Text)
		}
	}
	return strings.Join(words, " ")
}

func TestNewsWaitInOrder(t *testing.T) {
	t.Parallel()
	shared := lineOf(1, "a", "b")
	shared.Lines = shared.Lines[:1]
	in := api.NewInbox()
	for _, m := range []pool.Message{shared, lineOf(2, "x"), lineOf(1, "c"), lineOf(1, "d"), changeOf(1), lineOf(1, "e"), lineOf(2, "y")} {
		in.Put(m)
	}
	list := in.Take()
	require.Equal(t, "a c d x y ! e", told(list))
	require.Len(t, list, 4)
	require.Equal(t, "b", shared.Lines[:2][1].Text, "lines of the pool stay as they are")
	require.Empty(t, in.Take())
}

func TestAFloodLosesItsOwnLinesOnly(t *testing.T) {
	t.Parallel()
	in := api.NewInbox()
	in.Put(lineOf(2, "x"))
	in.Put(lineOf(1, make([]string, 50_000)...))
	in.Put(lineOf(1, "more"))
	in.Put(changeOf(1))
	require.Equal(t, "x ? !", told(in.Take()))
	in.Put(lineOf(1, strings.Repeat("x", 64<<20+1)))
	require.Equal(t, "?", told(in.Take()))
	in.Put(lineOf(1, "again"))
	require.Equal(t, "again", told(in.Take()))
}

// FuzzFrames holds frames that are written by hand against encoding/json.
func FuzzFrames(f *testing.F) {
	f.Add("plain", int64(7), uint8(0), false)
	f.Add("<\xff\">", int64(1<<60), uint8(1), true)
	f.Fuzz(func(t *testing.T, text string, nanos int64, stream uint8, late bool) {
		l := store.LogLine{Number: 3, Attempt: 1, Time: time.Unix(0, nanos).UTC(), Text: text, Stream: stream, Late: late}
		m := pool.Message{ProjectID: 2, TaskID: 5, Lines: []store.LogLine{l, l}}
		want, err := json.Marshal(map[string]any{"type": "log", "output": text, "time": l.Time, "task_id": 5, "project_id": 2})
		require.NoError(t, err)
		for _, frame := range api.LineFrames(m) {
			require.JSONEq(t, string(want), string(frame))
		}
		want, err = json.Marshal(map[string]any{"type": "logs", "task_id": 5, "project_id": 2, "lines": m.Lines})
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(api.BatchFrame(m)))
	})
}
