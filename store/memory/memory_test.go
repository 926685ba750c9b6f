package memory_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func project(t *testing.T, s store.Store) store.Project {
	t.Helper()
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	return p
}

func TestOnePoolOwnsTheStore(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	_, err = s.Own(t.Context())
	var owned *store.OwnedError
	require.ErrorAs(t, err, &owned)
	require.NoError(t, release())
	require.NoError(t, release())
	_, err = s.Own(t.Context())
	require.NoError(t, err)
}

func TestNoticesComeAfterCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{})
		tpl := template(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan store.Notice, 10)
		done := make(chan error, 1)
		go func() { done <- s.Listen(ctx, func(n store.Notice) { got <- n }) }()
		synctest.Wait()
		var task store.Task
		require.NoError(t, s.InTx(t.Context(), func(ctx context.Context, tx store.Store) (err error) {
			task, err = tx.Tasks().Create(ctx, store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
			synctest.Wait()
			require.Empty(t, got)
			return err
		}))
		require.Equal(t, store.Notice{Kind: "added", ProjectID: tpl.ProjectID, TaskID: task.ID}, <-got)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

func TestAListenerThatSleepsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{})
		tpl := template(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Listen(ctx, func(store.Notice) { <-ctx.Done() }) }()
		synctest.Wait()
		for range 3000 {
			_, err := s.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
			require.NoError(t, err)
		}
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

func TestAWriterThatWaitsHearsOfItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.New(memory.Config{})
		err := s.InTx(t.Context(), func(context.Context, store.Store) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := s.Projects().Create(ctx, store.Project{Name: "from outside"})
			return err
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestATransactionIsOverWhenItsFunctionIs(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	var kept store.Store
	require.NoError(t, s.InTx(t.Context(), func(_ context.Context, tx store.Store) error { kept = tx; return nil }))
	_, err := kept.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.ErrorContains(t, err, "transaction has ended")
}

func TestRowsWithAnyIDsAreListedInOrder(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := memory.New(memory.Config{})
	p := project(t, s)
	model := map[int64]string{}
	for range 600 {
		id := random.Int64N(1<<random.IntN(62)+1) + 1
		_, taken := model[id]
		if taken && random.IntN(2) == 0 {
			require.NoError(t, s.Views().Delete(t.Context(), p.ID, id))
			delete(model, id)
			continue
		}
		_, err := s.Views().Create(t.Context(), store.View{ID: id, ProjectID: p.ID, Title: "v"})
		if taken {
			require.ErrorIs(t, err, store.ErrConflict)
			continue
		}
		require.NoError(t, err)
		model[id] = "v"
	}
	page, err := s.Views().List(t.Context(), p.ID, store.Query{Limit: -1})
	require.NoError(t, err)
	ids := []int64{}
	for _, v := range page.Items {
		ids = append(ids, v.ID)
	}
	require.Equal(t, slices.Sorted(maps.Keys(model)), ids)
}

func template(t *testing.T, s store.Store) store.Template {
	t.Helper()
	p := project(t, s)
	key, err := s.Keys().Create(t.Context(), store.AccessKey{ProjectID: p.ID, Name: "none", Type: store.KeyNone})
	require.NoError(t, err)
	repo, err := s.Repositories().Create(t.Context(), store.Repository{ProjectID: p.ID, Name: "r", SSHKeyID: key.ID})
	require.NoError(t, err)
	tpl, err := s.Templates().Create(t.Context(), store.Template{ProjectID: p.ID, Name: "t", RepositoryID: repo.ID, AllowParallelTasks: true})
	require.NoError(t, err)
	return tpl
}

func TestATaskGoesFromClickToEnd(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	tpl := template(t, s)
	task, err := s.Tasks().Create(t.Context(), store.NewTask{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
	require.NoError(t, err)
	claimed, err := s.Queue().Claim(t.Context(), store.ClaimRequest{Owner: "me", Tags: []string{""}, Max: 1, TTL: time.Minute})
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	lease := claimed[0].Lease
	require.NoError(t, s.Queue().Append(t.Context(), lease, store.Append{Seq: 1, Status: store.Running, Lines: []store.LogLine{{Text: "hello"}}}))
	done, err := s.Queue().Finish(t.Context(), lease, store.Finish{Status: store.Success})
	require.NoError(t, err)
	require.Equal(t, task.ID, done.ID)
	require.Equal(t, store.Success, done.Status)
	page, err := s.Logs().Read(t.Context(), tpl.ProjectID, task.ID, 0, 10)
	require.NoError(t, err)
	require.Equal(t, "hello", page.Lines[0].Text)
}
