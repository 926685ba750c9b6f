package server_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/server"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func TestADataDirectoryRemembersWhoWorkedThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	names := []string{}
	for range 40 {
		self, dead, release, err := server.Begin(t.Context(), dir)
		require.NoError(t, err)
		require.Equal(t, names[max(0, len(names)-32):], append([]string{}, dead...), "the lock proves that they are dead")
		require.NotContains(t, names, self)
		names = append(names, self)
		require.NoError(t, release())
	}
	for _, file := range []string{"incarnations.txt", "server.lock"} {
		info, err := os.Stat(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestOneServerWorksInADataDirectory(t *testing.T) {
	t.Parallel()
	o := options(t)
	_, _, release, err := server.Begin(t.Context(), o.Config.DataDir)
	require.NoError(t, err)
	o.Ready = func(string) { require.Fail(t, "it is not ready") }
	require.ErrorContains(t, server.Run(t.Context(), o), "another server works in "+o.Config.DataDir+": give each its own data_dir")
	require.NoError(t, release())
	text, err := os.ReadFile(filepath.Join(o.Config.DataDir, "incarnations.txt"))
	require.NoError(t, err)
	require.Len(t, strings.Fields(string(text)), 1, "who was refused has left no name")
}

// shared hides that a store may have one owner only.
type shared struct{ store.Store }

func TestAServerDealsAtOnceWithWhatItsPredecessorHeld(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Store = shared{o.Store}
	self, _, release, err := server.Begin(t.Context(), o.Config.DataDir)
	require.NoError(t, err)
	p, err := pool.New(o.Store, pool.Config{Ring: o.Ring})
	require.NoError(t, err)
	tpl, err := p.Ensure(t.Context(), pool.Blueprint{
		Repository: store.Repository{Name: "code", GitURL: "https://git.example.org/x.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "x.sh", AllowParallelTasks: true},
	})
	require.NoError(t, err)
	claim := func(owner string) store.Task {
		_, err := p.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
		require.NoError(t, err)
		claimed, err := o.Store.Queue().Claim(t.Context(), store.ClaimRequest{Owner: owner, Tags: []string{""}, Max: 1, TTL: time.Hour})
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		return claimed[0].Task
	}
	ours, theirs := claim(self), claim("another server")
	require.NoError(t, release(), "as a kill does")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, o) }()
	now := func(task store.Task) store.Task {
		row, err := o.Store.Tasks().Get(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		return row
	}
	require.Eventually(t, func() bool { return now(ours).Status == store.Failed }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, store.LostReason, now(ours).Reason)
	require.Equal(t, store.Starting, now(theirs).Status)
	cancel()
	require.NoError(t, <-done)
	text, err := os.ReadFile(filepath.Join(o.Config.DataDir, "incarnations.txt"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), self+"\n"))
}
