//go:build linux

package cluster_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

// benchFleet starts servers and one runner, which calls the first of them.
func benchFleet(b *testing.B, servers int, env ...string) *fleet {
	b.Helper()
	f := newFleet(b, pgtest.Shared(b), append([]string{"SEMAPHORE_MAX_PARALLEL_TASKS=0"}, env...)...)
	f.capacity = 4
	for i := range servers {
		f.server(fmt.Sprintf("server %d", i+1)).start().serves()
	}
	r := f.runnerOf("runner", tag)
	r.way.targets = func() []string { return []string{f.machines[0].url()} }
	r.start().serves()
	return f
}

// write puts a script into the repository and makes a template of it.
func (f *fleet) write(name, tag, text string) store.Template {
	f.t.Helper()
	require.NoError(f.t, os.WriteFile(filepath.Join(f.repo, name), []byte(text), 0o600))
	return f.template("one", tag, store.Template{Name: name + tag, Playbook: name, AllowParallelTasks: true})
}

// percentiles reports the middle and the slowest hundredth.
func percentiles(b *testing.B, list []time.Duration) {
	b.Helper()
	slices.Sort(list)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99} {
		b.ReportMetric(float64(list[int(float64(len(list)-1)*share)].Microseconds())/1000, name)
	}
}

// BenchmarkPostToProcess prints how long it takes from a POST at one server to
// the first instruction of the script, on a runner that calls another.
func BenchmarkPostToProcess(b *testing.B) {
	f := benchFleet(b, 2)
	tpl := f.template("one", tag, store.Template{Name: "nothing", AllowParallelTasks: true})
	var list []time.Duration
	for b.Loop() {
		begun := time.Now()
		var task store.Task
		require.NoError(b, f.at(f.machines[1].url(), "POST", fmt.Sprintf("/project/%d/tasks", tpl.ProjectID), map[string]any{
			"template_id": tpl.ID, "message": script{}.message(),
		}, &task))
		task.ProjectID = tpl.ProjectID
		list = append(list, f.awaitEvent(task, 1, crash.Started).At.Sub(begun))
		f.ends(task)
	}
	percentiles(b, list)
}

// BenchmarkLiveLog prints how long it takes from a script's line to the
// websocket of a server that does not run it.
func BenchmarkLiveLog(b *testing.B) {
	const lines = 500
	text := fmt.Sprintf("for ((i = 0; i < %d; i++)); do echo \"at ${EPOCHREALTIME/[.,]/} $CRASH_WHERE\"; sleep 0.01; done\n", lines)
	for _, tag := range []string{"", tag} {
		b.Run(map[string]string{"": "server", "edge": "runner"}[tag], func(b *testing.B) {
			f := benchFleet(b, 2)
			tpl := f.write("at.sh", tag, text)
			var eyes []*watcher
			for _, m := range f.machines[:2] {
				eyes = append(eyes, (&server{process: &process{t: b}, w: &world{client: f.client, token: f.token}, url: "http://" + m.url()}).watch())
			}
			var list []time.Duration
			for b.Loop() {
				task := f.add(tpl, script{})
				for _, w := range eyes {
					w.status(task, store.Success)
				}
				for i, w := range eyes {
					list = append(list, w.delays(task, f.machines[i].name, tag != "" && i == 0)...)
				}
			}
			percentiles(b, list)
		})
	}
}

// delays tells how long lines of a task took to a websocket, unless its server
// has them first hand.
func (w *watcher) delays(t store.Task, here string, first bool) (list []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.frames {
		text, ok := strings.CutPrefix(f.Output, "at ")
		stamp, where, _ := strings.Cut(text, " ")
		micros, err := strconv.ParseInt(stamp, 10, 64)
		if f.TaskID == t.ID && f.Type == "log" && ok && err == nil && where != here && !first {
			list = append(list, f.at.Sub(time.UnixMicro(micros)))
		}
	}
	return list
}

// BenchmarkRunnerLines prints what 1,000,000 lines, or as many as LINES says,
// through a runner cost against the script writing into a file.
func BenchmarkRunnerLines(b *testing.B) {
	lines := 1_000_000
	if text := os.Getenv("LINES"); text != "" {
		var err error
		lines, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	f := benchFleet(b, 2)
	tpl := f.write("flood.sh", tag, fmt.Sprintf(
		"i=0\nwhile ((i < %d)); do echo \"2026-01-02 10:11:12 line $i: ok: [web$((i %% 50))] => (item=package-$((i %% 977)))\"; ((i += 1)); done\n", lines))
	for b.Loop() {
		begun := time.Now()
		cmd := exec.CommandContext(b.Context(), "bash", "-c", "bash flood.sh >../flood.txt")
		cmd.Dir = f.repo
		require.NoError(b, cmd.Run())
		bare := time.Since(begun)
		begun = time.Now()
		done := f.ends(f.add(tpl, script{}))
		wall := time.Since(begun)
		require.Equal(b, store.Success, done.Status, done.Reason)
		require.GreaterOrEqual(b, done.LogLines, int64(lines))
		b.ReportMetric(wall.Seconds()/bare.Seconds(), "x-of-file")
		b.ReportMetric(float64(lines)/wall.Seconds(), "lines/s")
	}
}

// BenchmarkAdds prints how many tasks a second eight clients add by HTTP.
func BenchmarkAdds(b *testing.B) {
	for _, servers := range []int{1, 3} {
		b.Run(fmt.Sprintf("%d", servers), func(b *testing.B) {
			f := benchFleet(b, servers)
			tpl := f.template("one", "nobody", store.Template{Name: "waits", AllowParallelTasks: true})
			path, body := fmt.Sprintf("/project/%d/tasks", tpl.ProjectID), map[string]any{"template_id": tpl.ID, "message": script{}.message()}
			var left, at atomic.Int64
			left.Store(int64(b.N))
			var clients sync.WaitGroup
			b.ResetTimer()
			for range 8 {
				clients.Go(func() {
					for left.Add(-1) >= 0 {
						m := f.machines[at.Add(1)%int64(servers)]
						if err := f.at(m.url(), "POST", path, body, nil); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			clients.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "adds/s")
		})
	}
}
