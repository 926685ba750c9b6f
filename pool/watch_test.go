package pool_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
)

// branches is a git whose remotes answer what a test says.
type branches struct {
	job.Git
	mu    sync.Mutex
	heads map[string]string // of the branch main, by URL
	err   map[string]error
	hang  map[string]bool
	asked map[string]int
}

func newBranches() *branches {
	return &branches{heads: map[string]string{}, err: map[string]error{}, hang: map[string]bool{}, asked: map[string]int{}}
}

func (b *branches) set(url, hash string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heads[url], b.err[url] = hash, err
}

func (b *branches) times(url string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[url]
}

func (b *branches) Heads(ctx context.Context, r job.Remote) ([]job.Head, error) {
	b.mu.Lock()
	b.asked[r.URL]++
	hash, err, hang := b.heads[r.URL], b.err[r.URL], b.hang[r.URL]
	b.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return []job.Head{{Name: "feature/main", Hash: "never"}, {Name: "main", Hash: hash}}, err
}

// watching is a schedule that watches a repository of its own.
func (s *scheduling) watching(url, cron string) store.Schedule {
	s.t.Helper()
	key, err := s.SaveKey(s.t.Context(), store.AccessKey{ProjectID: s.tpl.ProjectID, Name: url, Type: store.KeyNone})
	require.NoError(s.t, err)
	repo, err := s.Store().Repositories().Create(s.t.Context(), store.Repository{ProjectID: s.tpl.ProjectID, Name: url, GitURL: url, GitBranch: "main", SSHKeyID: key.ID})
	require.NoError(s.t, err)
	return s.schedule(store.Schedule{Name: url, CronFormat: cron, RepositoryID: &repo.ID})
}

func TestAWatchedBranch(t *testing.T) {
	t.Parallel()
	const url = "https://git.example.org/watched.git"
	t.Run("starts a task for each new commit", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			git := newBranches()
			git.set(url, "aaa", nil)
			s := setupSchedules(t, pooltest.Options{Config: pool.Config{Git: git}})
			row := s.watching(url, "* * * * *")
			s.after(10*time.Minute + time.Second)
			require.Len(t, s.fired(), 1, "the first look, and no change after it")
			require.Equal(t, 10, git.times(url))
			git.set(url, "bbb", nil)
			s.after(10 * time.Minute)
			require.Len(t, s.fired(), 2)
			git.set(url, "ccc", errors.New("no route to host"))
			s.after(2 * time.Minute)
			row = s.read(row)
			require.Contains(t, row.LastError, "no route to host")
			require.Equal(t, "bbb", *row.LastCommitHash)
			require.Len(t, s.fired(), 2)
			git.set(url, "ccc", nil)
			s.after(2 * time.Minute)
			require.Len(t, s.fired(), 3, "asked again at the next tick")
			require.Empty(t, s.read(row).LastError)
			row.LastCommitHash, row.NextRun = nil, nil
			require.NoError(t, s.Store().Schedules().Update(t.Context(), row))
			s.Wake()
			s.after(2 * time.Minute)
			require.Len(t, s.fired(), 4, "an edited one begins anew")
		})
	})
	t.Run("without that branch says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			git := newBranches()
			s := setupSchedules(t, pooltest.Options{Config: pool.Config{Git: git}})
			row := s.watching(url, "* * * * *")
			repo, err := s.Store().Repositories().Get(t.Context(), row.ProjectID, *row.RepositoryID)
			require.NoError(t, err)
			repo.GitBranch = "gone"
			require.NoError(t, s.Store().Repositories().Update(t.Context(), repo))
			s.after(2 * time.Minute)
			require.Contains(t, s.read(row).LastError, `no branch "gone"`)
			require.Empty(t, s.fired())
			_, err = s.Branches(t.Context(), row.ProjectID, *row.RepositoryID)
			require.NoError(t, err)
		})
	})
	t.Run("keeps a commit whose task cannot be made", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			git := newBranches()
			git.set(url, "aaa", nil)
			s := setupSchedules(t, pooltest.Options{Config: pool.Config{Git: git}})
			s.tpl.SurveyVars = []store.SurveyVar{{Name: "where", Required: true}}
			require.NoError(t, s.Store().Templates().Update(t.Context(), s.tpl))
			row := s.watching(url, "* * * * *")
			s.after(time.Minute + time.Second)
			require.Equal(t, store.Failed, tasksOf(t, s.Pool, s.tpl)[0].Status)
			row = s.read(row)
			require.Contains(t, row.LastError, "where")
			require.Nil(t, row.LastCommitHash)
			s.tpl.SurveyVars = nil
			require.NoError(t, s.Store().Templates().Update(t.Context(), s.tpl))
			s.after(time.Minute)
			require.Equal(t, store.Success, tasksOf(t, s.Pool, s.tpl)[1].Status)
			require.Equal(t, "aaa", *s.read(row).LastCommitHash)
		})
	})
	t.Run("looks once for many missed ticks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			git := newBranches()
			git.set(url, "aaa", nil)
			s := setupSchedules(t, pooltest.Options{Idle: true, Config: pool.Config{Git: git}})
			row := s.watching(url, "* * * * *")
			first := s.now().Add(time.Minute)
			row.Missed, row.NextRun = store.MissedAll, &first
			require.NoError(t, s.Store().Schedules().Update(t.Context(), row))
			s.after(30*time.Minute + time.Second)
			s.Start()
			s.after(time.Second)
			require.Len(t, s.fired(), 1)
			require.Equal(t, 1, git.times(url))
		})
	})
	t.Run("whose remotes hang delays no other schedule", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			git := newBranches()
			s := setupSchedules(t, pooltest.Options{Config: pool.Config{Git: git}})
			for i := range 120 { // more than are looked at or asked at once
				hanging := url + string(rune('a'+i%26)) + string(rune('a'+i/26))
				git.hang[hanging] = true
				s.watching(hanging, "* * * * *")
			}
			ticking := s.Template(store.Template{Name: "ticking"})
			_, err := s.Store().Schedules().Create(t.Context(), store.Schedule{ProjectID: ticking.ProjectID, TemplateID: ticking.ID, Name: "ticking", Active: true, CronFormat: "* * * * *"})
			require.NoError(t, err)
			s.Wake()
			s.after(10*time.Minute + 2*time.Second)
			tasks := tasksOf(t, s.Pool, ticking)
			require.Len(t, tasks, 10)
			for _, task := range tasks {
				require.Less(t, task.Created.Sub(*task.FireTime), 3*time.Second)
			}
			require.Empty(t, s.fired())
		})
	})
}
