package semaphore_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// bench is an App on one SQLite file with a directory of scripts.
type bench struct {
	*pool.TaskPool
	dir string // of the scripts
}

func newBench(b *testing.B, parallel int) *bench {
	b.Helper()
	dir := b.TempDir()
	st, err := sqlite.Open(b.Context(), filepath.Join(dir, "semaphore.db"), sqlite.Config{})
	require.NoError(b, err)
	code := filepath.Join(dir, "code")
	require.NoError(b, os.Mkdir(code, 0o700))
	app, err := semaphore.New(semaphore.Config{
		Store: st, Key: crypto.GenerateKey(), Dir: filepath.Join(dir, "work"), Log: slog.New(slog.DiscardHandler),
		Local: job.LocalConfig{ReposPaths: []string{dir}, LinkDir: dir}, Pool: pool.Config{MaxParallel: parallel},
	})
	require.NoError(b, err)
	ended := make(chan error, 1)
	go func() { ended <- app.Run(context.WithoutCancel(b.Context())) }()
	b.Cleanup(func() {
		require.NoError(b, app.Close())
		require.NoError(b, <-ended)
		require.NoError(b, st.Close())
	})
	return &bench{TaskPool: app.Pool(), dir: code}
}

// script makes a template that runs a script in place, several at once.
func (p *bench) script(b *testing.B, name, body string) store.Template {
	b.Helper()
	require.NoError(b, os.WriteFile(filepath.Join(p.dir, name), []byte(body), 0o600))
	tpl, err := p.Ensure(b.Context(), pool.Blueprint{
		Repository: store.Repository{Name: "code", GitURL: p.dir},
		Template:   store.Template{App: "bash", Playbook: name, AllowParallelTasks: true},
	})
	require.NoError(b, err)
	return tpl
}

func (p *bench) add(b *testing.B, tpl store.Template) store.Task {
	b.Helper()
	t, err := p.AddTask(b.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
	require.NoError(b, err)
	return t
}

func (p *bench) success(b *testing.B, t store.Task) {
	b.Helper()
	done, err := p.Wait(b.Context(), t.ProjectID, t.ID)
	require.NoError(b, err)
	require.Equal(b, store.Success, done.Status, done.Reason)
}

// BenchmarkLaunch prints how long it takes from AddTask to the script's first
// instruction. Aim: p50 of at most 10 ms.
func BenchmarkLaunch(b *testing.B) {
	newBench(b, 1).launches(b)
}

// launches reports how long a script takes to its first instruction.
func (p *bench) launches(b *testing.B) {
	b.Helper()
	stamp := filepath.Join(p.dir, "stamp")
	tpl := p.script(b, "stamp.sh", "date +%s%N >"+stamp+"\n")
	p.success(b, p.add(b, tpl))
	var times []time.Duration
	for b.Loop() {
		for range 100 {
			begun := time.Now()
			p.success(b, p.add(b, tpl))
			text, err := os.ReadFile(stamp)
			require.NoError(b, err)
			var at int64
			_, err = fmt.Sscan(string(text), &at)
			require.NoError(b, err)
			times = append(times, time.Unix(0, at).Sub(begun))
		}
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
}

// BenchmarkScripts prints the rate of 1,000 queued one-line scripts against the
// same scripts run bare at the same parallelism. Aim: at least 70 %.
func BenchmarkScripts(b *testing.B) {
	const count, parallel = 1000, 4
	p := newBench(b, parallel)
	tpl := p.script(b, "line.sh", "echo one line\n")
	p.success(b, p.add(b, tpl))
	for b.Loop() {
		begun := time.Now()
		tasks := make([]store.Task, count)
		for i := range tasks {
			tasks[i] = p.add(b, tpl)
		}
		added := time.Since(begun)
		for _, t := range tasks {
			p.success(b, t)
		}
		pooled := time.Since(begun)
		bare := runBare(b, filepath.Join(p.dir, "line.sh"), count, parallel)
		b.ReportMetric(count/pooled.Seconds(), "tasks/s")
		b.ReportMetric(count/bare.Seconds(), "bare/s")
		b.ReportMetric(100*bare.Seconds()/pooled.Seconds(), "%of-bare")
		b.ReportMetric(count/added.Seconds(), "added/s")
	}
}

func runBare(b *testing.B, script string, count, parallel int) time.Duration {
	b.Helper()
	begun := time.Now()
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for range count / parallel {
				if out, err := exec.CommandContext(b.Context(), "bash", script).CombinedOutput(); err != nil {
					b.Errorf("%v: %s", err, out)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begun)
}

// BenchmarkLog prints what 1,000,000 lines of output cost against the script
// writing into a file, what they take in the database, and how long a page of
// 1,000 lines anywhere takes. Aims: 1.3x, 0.2x, 2 ms. The shell writes line by
// line, as scripts do; awk writes as fast as a program can.
func BenchmarkLog(b *testing.B) {
	line := `"2026-01-02 10:11:12 line $i: ok: [web$((i % 50))] => (item=package-$((i % 977)))"`
	for name, body := range map[string]string{
		"shell": "i=0\nwhile ((i < 1000000)); do echo " + line + "; ((i += 1)); done\n",
		"awk":   "exec awk 'BEGIN { for (i = 0; i < 1000000; i++) print \"2026-01-02 10:11:12 line \" i \": ok: [web\" i % 50 \"] => (item=package-\" i % 977 \")\" }'\n",
	} {
		b.Run(name, func(b *testing.B) { benchLog(b, body) })
	}
}

func benchLog(b *testing.B, body string) {
	const count = 1_000_000
	p := newBench(b, 1)
	tpl := p.script(b, "flood.sh", body)
	for b.Loop() {
		begun := time.Now()
		cmd := exec.CommandContext(b.Context(), "bash", "-c", "bash flood.sh >flood.txt")
		cmd.Dir = p.dir
		require.NoError(b, cmd.Run())
		bare := time.Since(begun)
		heap := peakHeap()
		begun = time.Now()
		t := p.add(b, tpl)
		p.success(b, t)
		wall := time.Since(begun)
		b.ReportMetric(wall.Seconds()/bare.Seconds(), "x-of-file")
		b.ReportMetric(count/wall.Seconds(), "lines/s")
		b.ReportMetric(float64(heap())/(1<<20), "heap-MiB")
		p.pages(b, t, count)
	}
}

// pages checks that no line is missing and measures reading.
func (p *bench) pages(b *testing.B, t store.Task, count int64) {
	b.Helper()
	for more := true; more; {
		var err error
		more, err = p.Store().Logs().Compact(b.Context())
		require.NoError(b, err)
	}
	size, err := p.Store().Logs().Size(b.Context(), t.ProjectID, t.ID)
	require.NoError(b, err)
	b.ReportMetric(float64(size.Stored)/float64(size.Text), "x-stored")
	var times []time.Duration
	for i := range int64(100) {
		begun := time.Now()
		page, err := p.Output(b.Context(), t.ProjectID, t.ID, i*count/100, 1000)
		require.NoError(b, err)
		require.Len(b, page.Lines, 1000)
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[50].Microseconds())/1000, "page-ms")
	begun, lines := time.Now(), int64(0)
	for from := int64(0); ; {
		page, err := p.Output(b.Context(), t.ProjectID, t.ID, from, 10000)
		require.NoError(b, err)
		if len(page.Lines) == 0 {
			break
		}
		lines += int64(len(page.Lines))
		from = page.Next
	}
	b.ReportMetric(time.Since(begun).Seconds(), "whole-s")
	require.GreaterOrEqual(b, lines, count)
}

// peakHeap watches the heap; the returned function ends that and tells by how
// much it grew at most.
func peakHeap() func() uint64 {
	var first runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&first)
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-tick.C:
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
			}
		}
	}()
	return func() uint64 {
		close(stop)
		most := <-peak
		return most - min(most, first.HeapInuse)
	}
}
