package memory_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestASavedStoreGoesOn(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	tpl := template(t, s)
	task, err := s.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}, Secrets: []byte("sealed")})
	require.NoError(t, err)
	claimed, err := s.Queue().Claim(t.Context(), store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: 1, TTL: time.Minute})
	require.NoError(t, err)
	lease := claimed[0].Lease
	first := store.Append{Seq: 1, Lines: []store.LogLine{{Text: "\xff\x00 one"}}, Stages: []store.Stage{{Number: 1, Start: &task.Created}}}
	require.NoError(t, s.Queue().Append(t.Context(), lease, first))
	require.NoError(t, s.Options().Set(t.Context(), "a", "b"))
	require.NoError(t, s.Artifacts().SaveBundle(t.Context(), tpl.ProjectID, task.ID, 0, []byte("bundle")))
	var file bytes.Buffer
	require.NoError(t, s.Save(&file))

	again, err := memory.Load(&file, memory.Config{})
	require.NoError(t, err)
	want, err := s.Templates().List(t.Context(), tpl.ProjectID, store.Query{})
	require.NoError(t, err)
	got, err := again.Templates().List(t.Context(), tpl.ProjectID, store.Query{})
	require.NoError(t, err)
	require.Equal(t, want, got)
	stages, err := again.Tasks().Stages(t.Context(), tpl.ProjectID, task.ID)
	require.NoError(t, err)
	require.Equal(t, task.Created, *stages[0].Start)
	options, err := again.Options().All(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "b"}, options)

	require.NoError(t, again.Queue().Append(t.Context(), lease, first), "it is stored already")
	require.NoError(t, again.Queue().Append(t.Context(), lease, store.Append{Seq: 2, Lines: []store.LogLine{{Text: "two"}}}))
	page, err := again.Logs().Read(t.Context(), tpl.ProjectID, task.ID, 0, 10)
	require.NoError(t, err)
	require.Len(t, page.Lines, 2)
	require.Equal(t, "\xff\x00 one", page.Lines[0].Text)
	done, err := again.Queue().Finish(t.Context(), lease, store.Finish{Status: store.Success})
	require.NoError(t, err)
	require.Equal(t, store.Success, done.Status)
	next, err := again.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
	require.NoError(t, err)
	require.Equal(t, task.ID+1, next.ID)
}

func TestLoadRefusesWhatSaveHasNotWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "nonsense", strings.Repeat("\x00", 1000)} {
		_, err := memory.Load(strings.NewReader(text), memory.Config{})
		require.Error(t, err)
	}
}
