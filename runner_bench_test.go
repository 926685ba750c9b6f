package semaphore_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// newFarBench is a bench whose tasks run on a runner, over HTTP on 127.0.0.1.
func newFarBench(b *testing.B) *bench {
	b.Helper()
	dir := b.TempDir()
	st, err := sqlite.Open(b.Context(), filepath.Join(dir, "semaphore.db"), sqlite.Config{})
	require.NoError(b, err)
	code := filepath.Join(dir, "code")
	require.NoError(b, os.Mkdir(code, 0o700))
	app, err := semaphore.New(semaphore.Config{
		Store: st, Key: crypto.GenerateKey(), Dir: filepath.Join(dir, "work"), Log: slog.New(slog.DiscardHandler),
		HTTP: semaphore.HTTP{Settings: semaphore.Settings{UseRemoteRunner: true}},
	})
	require.NoError(b, err)
	ended := make(chan error, 1)
	go func() { ended <- app.Run(context.WithoutCancel(b.Context())) }()
	web := httptest.NewServer(app.Handler())
	token := crypto.Token(33)
	_, err = st.Runners().Create(b.Context(), store.Runner{Name: "far", Active: true, TokenHash: crypto.HashToken(token)})
	require.NoError(b, err)
	stop := startFar(b, web.URL, token, dir)
	b.Cleanup(func() {
		stop()
		web.Close()
		require.NoError(b, app.Close())
		require.NoError(b, <-ended)
		require.NoError(b, st.Close())
	})
	return &bench{TaskPool: app.Pool(), dir: code}
}

// startFar starts a runner.
func startFar(b *testing.B, url, token, dir string) (stop func()) {
	b.Helper()
	key, public, err := crypto.GenerateBoxKey()
	require.NoError(b, err)
	log := slog.New(slog.DiscardHandler)
	remote, err := job.NewRemote(job.RemoteConfig{URL: url, Token: token, Key: key, PublicKey: public.String(), Log: log})
	require.NoError(b, err)
	local, err := job.NewLocal(filepath.Join(dir, "far"), job.LocalConfig{
		ReposPaths: []string{dir}, LinkDir: dir, States: remote.States(), Bundles: remote.Bundles(), Log: log,
	})
	require.NoError(b, err)
	w := &job.Worker{Source: remote, Executor: local, Capacity: 4, Spool: filepath.Join(dir, "spool"), Log: log}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = remote.Run(ctx) })
	wg.Go(func() { _ = w.Run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// BenchmarkRunnerLaunch prints how long it takes from AddTask to the first
// instruction of a script on a runner.
func BenchmarkRunnerLaunch(b *testing.B) {
	newFarBench(b).launches(b)
}

// BenchmarkRunnerLog prints what 1,000,000 lines through a runner cost against
// the script writing into a file.
func BenchmarkRunnerLog(b *testing.B) {
	const count = 1_000_000
	p := newFarBench(b)
	tpl := p.script(b, "flood.sh", "i=0\nwhile ((i < 1000000)); do echo \"2026-01-02 10:11:12 line $i: ok: [web$((i % 50))] => (item=package-$((i % 977)))\"; ((i += 1)); done\n")
	for b.Loop() {
		begun := time.Now()
		cmd := exec.CommandContext(b.Context(), "bash", "-c", "bash flood.sh >flood.txt")
		cmd.Dir = p.dir
		require.NoError(b, cmd.Run())
		bare := time.Since(begun)
		begun = time.Now()
		t := p.add(b, tpl)
		p.success(b, t)
		wall := time.Since(begun)
		b.ReportMetric(wall.Seconds()/bare.Seconds(), "x-of-file")
		b.ReportMetric(count/wall.Seconds(), "lines/s")
		p.pages(b, t, count)
	}
}
