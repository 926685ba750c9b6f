//go:build linux

package cluster_test

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

// whole checks that a script which counts has its lines, each once and in order.
func (s *server) whole(task store.Task, lines int) {
	s.t.Helper()
	var got []string
	for line := range strings.Lines(s.output(task)) {
		if strings.HasPrefix(line, "line ") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	var want []string
	for i := range lines {
		want = append(want, fmt.Sprintf("line %d", i+1))
	}
	require.Equal(s.t, want, got)
}

func TestADatabaseThatDiesInMidTaskCostsNothing(t *testing.T) {
	t.Parallel()
	pg := pgtest.Own(t)
	w := newWorld(t, pg)
	w.runner(newBalancer(t, w.b, w.a))
	here := w.a.run(w.template("count.sh", nil))
	there := w.a.run(w.template("count.sh", onRunner(nil)))
	live := w.b.watch()
	for _, task := range []store.Task{here, there} {
		live.sees(task, "lines", func(f frame) bool { return f.Type == "log" && strings.HasPrefix(f.Output, "line ") })
	}
	pg.Kill(t)
	refused := eventually(t, func() bool {
		status, _, err := w.b.try("GET", "/health", nil)
		require.NoError(t, err, "the server stays")
		return status == 503
	}, "the server is to say that it has no database")
	t.Logf("said after %v", refused.Round(time.Millisecond))
	pg.Start(t)
	back := eventually(t, func() bool {
		status, _, err := w.b.try("GET", "/health", nil)
		require.NoError(t, err)
		return status == 200
	}, "the server is to find its database again")
	t.Logf("well again after %v", back.Round(time.Millisecond))
	for _, task := range []store.Task{here, there} {
		ended := w.b.becomes(task, store.Success)
		require.Equal(t, 1, ended.Attempt)
		w.b.whole(task, 160)
	}
	for _, s := range []*server{w.a, w.b} {
		s.becomes(s.run(w.template("quick.sh", nil)), store.Success)
	}
}

// load starts tasks at any of the servers, one after another, until it is told
// to stop. A request that fails goes to the next server.
type load struct {
	w        *world
	template int64
	stop     chan struct{}
	wg       sync.WaitGroup

	mu      sync.Mutex
	servers []*server
	tasks   []store.Task
	refused int
	failed  []string
}

func (l *load) use(servers ...*server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.servers = servers
}

func (l *load) started() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tasks)
}

func (l *load) run() {
	for i := 0; ; i++ {
		select {
		case <-l.stop:
			return
		case <-time.After(50 * time.Millisecond): // ten a second of each
		}
		l.mu.Lock()
		servers := l.servers
		l.mu.Unlock()
		task, errs := l.launch(i, servers)
		l.mu.Lock()
		if l.refused += len(errs); len(errs) == len(servers) {
			l.failed = append(l.failed, strings.Join(errs, "; "))
		} else {
			l.tasks = append(l.tasks, task)
		}
		l.mu.Unlock()
	}
}

// launch tries each server once.
func (l *load) launch(i int, servers []*server) (task store.Task, errs []string) {
	for n := range servers {
		s := servers[(i+n)%len(servers)]
		status, text, err := s.try("POST", fmt.Sprintf("/project/%d/tasks", l.w.project), map[string]any{"template_id": l.template})
		if err == nil && status == 201 {
			_, err := fmt.Sscanf(text, `{"id":%d`, &task.ID)
			if err == nil {
				task.ProjectID = l.w.project
				return task, errs
			}
		}
		errs = append(errs, fmt.Sprint(status, text, err))
	}
	return task, errs
}

func TestARollingRestartUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Shared(t), "SEMAPHORE_SHUTDOWN_GRACE_SEC=30")
	front := newBalancer(t, w.a, w.b)
	w.runner(front)
	long := w.a.run(w.template("long.sh", onRunner(nil)))
	l := &load{w: w, template: w.template("short.sh", map[string]any{"allow_parallel_tasks": true}), stop: make(chan struct{}), servers: []*server{w.a, w.b}}
	l.wg.Go(l.run)
	stop := sync.OnceFunc(func() {
		close(l.stop)
		l.wg.Wait()
	})
	t.Cleanup(stop)
	more := func() {
		n := l.started() + 10
		eventually(t, func() bool { return l.started() >= n }, "tasks are to be started")
	}
	rounds := 2
	if soak() {
		rounds = 12
	}
	more()
	for range rounds { // each in turn
		w.a.signal(syscall.SIGTERM)
		more()
		require.Zero(t, w.a.exit())
		require.Equal(t, 1, w.b.alive(), "who stops in order leaves the list")
		next := w.begin().serves()
		w.a, w.b = w.b, next
		l.use(w.a, w.b)
		front.prefer(w.a, w.b)
		more()
	}
	stop()
	require.Empty(t, l.failed, "no request fails that is sent again")
	for _, task := range l.tasks {
		w.b.becomes(task, store.Success) // one that was handed out and not begun counts an attempt
		require.Equal(t, 1, strings.Count(w.b.output(task), "short\n"), "task %d runs once", task.ID)
	}
	require.Equal(t, 1, w.b.becomes(long, store.Success).Attempt)
	w.b.whole(long, longLines())
	t.Logf("%d tasks started, %d requests sent again", len(l.tasks), l.refused)
}
