package semaphore_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// quiet is a Config that needs no tool.
func quiet() semaphore.Config {
	return semaphore.Config{Store: memory.New(memory.Config{}), Key: crypto.GenerateKey(), Executor: &jobtest.Fake{}, Log: slog.New(slog.DiscardHandler)}
}

// start runs an App until it is closed, and returns what Run will answer.
func start(t *testing.T, app *semaphore.App) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- app.Run(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() { require.NoError(t, app.Close()) })
	return ended
}

// runs launches a script and waits for its success.
func runs(t *testing.T, app *semaphore.App) {
	t.Helper()
	tpl, err := app.Pool().Ensure(t.Context(), pool.Blueprint{
		Repository: store.Repository{GitURL: "https://git.example.org/x.git", GitBranch: "main"},
		Template:   store.Template{App: "bash", Playbook: "x.sh"},
	})
	require.NoError(t, err)
	task, err := app.Pool().AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
	require.NoError(t, err)
	task, err = app.Pool().Wait(t.Context(), task.ProjectID, task.ID)
	require.NoError(t, err)
	require.Equal(t, store.Success, task.Status, task.Reason)
}

func TestWhatAnAppNeeds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*semaphore.Config)
		says   string
	}{
		{"a store", func(c *semaphore.Config) { c.Store = nil }, "store/sqlite or store/memory"},
		{"a key", func(c *semaphore.Config) { c.Key = crypto.Key{} }, "key"},
		{"a whole older key", func(c *semaphore.Config) { c.OlderKeys = make([]crypto.Key, 1) }, "older keys"},
		{"a directory, or an executor", func(c *semaphore.Config) { c.Executor = nil }, "name one in Dir"},
		{"an identity with a group", func(c *semaphore.Config) {
			c.Executor, c.Dir, c.Local = nil, t.TempDir(), job.LocalConfig{Process: job.Process{UID: 1}}
		}, "uid and gid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := quiet()
			c.change(&cfg)
			app, err := semaphore.New(cfg)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "semaphore: ")
			require.Nil(t, app)
		})
	}
}

func TestSeveralAppsInOneProcess(t *testing.T) {
	t.Parallel()
	for range 3 {
		cfg := quiet()
		cfg.Dir = t.TempDir()
		app, err := semaphore.New(cfg)
		require.NoError(t, err)
		ended := start(t, app)
		runs(t, app)
		require.Len(t, cfg.Executor.(*jobtest.Fake).Runs(), 1, "each has tasks of its own")
		defer func() { require.NoError(t, <-ended) }()
		defer app.Close()
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	t.Run("ends Run and waits for it, more than once", func(t *testing.T) {
		t.Parallel()
		app, err := semaphore.New(quiet())
		require.NoError(t, err)
		ended := start(t, app)
		runs(t, app)
		require.NoError(t, app.Close())
		select {
		case err := <-ended:
			require.NoError(t, err)
		default:
			require.Fail(t, "Run has not ended")
		}
		require.NoError(t, app.Close())
		require.ErrorContains(t, app.Run(t.Context()), "closed")
	})
	t.Run("before Run lets nothing begin", func(t *testing.T) {
		t.Parallel()
		app, err := semaphore.New(quiet())
		require.NoError(t, err)
		require.NoError(t, app.Close())
		require.EqualError(t, app.Run(t.Context()), "semaphore: the app is closed")
	})
	t.Run("leaves the store to whoever opened it", func(t *testing.T) {
		t.Parallel()
		cfg := quiet()
		for range 2 {
			app, err := semaphore.New(cfg)
			require.NoError(t, err)
			start(t, app)
			runs(t, app)
			require.NoError(t, app.Close())
		}
	})
}

func TestAnAppRunsOnce(t *testing.T) {
	t.Parallel()
	app, err := semaphore.New(quiet())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, app.Run(ctx))
	require.ErrorContains(t, app.Run(t.Context()), "has run already")
	require.NotEmpty(t, app.Ring().Primary())
}
