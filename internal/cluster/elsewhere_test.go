//go:build linux

package cluster_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
)

func TestAnyServerShowsAndSteersWhatRunsElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Shared(t))
	w.runner(newBalancer(t, w.b))
	eventually(t, func() bool { return w.a.alive() == 2 && w.b.alive() == 2 }, "both servers are to be on the list of each")
	fires := w.schedule()
	for _, place := range []struct {
		name string
		more func(map[string]any) map[string]any
	}{
		{"on another server", func(m map[string]any) map[string]any { return m }},
		{"on a runner that calls another server", onRunner},
	} {
		w.t = t
		_ = os.Remove(w.gate)
		remote := strings.Contains(place.name, "runner")
		a, b := w.a.watch(), w.b.watch()

		// It is shown live.
		task := w.a.run(w.template("gated.sh", place.more(nil)))
		where, other := a.line(task, "at ").Output, b
		if !remote && strings.Contains(where, w.b.dir) {
			other = a
		}
		from := other.s
		other.line(task, "at ")
		other.status(task, store.Running)
		w.open()
		line := other.line(task, "through")
		t.Logf("%s: shown %v after it was printed", place.name, line.at.Sub(line.Time).Round(time.Millisecond))
		from.streams(task, "through")
		other.status(task, store.Success)
		require.Contains(t, from.output(task), "through")

		// It is stopped from there.
		task = w.a.run(w.template("endless.sh", place.more(nil)))
		a.line(task, "at ")
		if !remote {
			_, from = w.host(task)
		}
		from.must("POST", pathOf(task, "/stop"), map[string]any{}, nil)
		a.status(task, store.Stopped)
		b.status(task, store.Stopped)
		require.Equal(t, store.Stopped, from.task(task).Status)

		// A plan is confirmed by any.
		if _, err := exec.LookPath("terraform"); err != nil {
			t.Log("terraform is not installed: no plan is confirmed")
			continue
		}
		task = w.a.run(w.template(".", place.more(map[string]any{"app": "terraform"})))
		a.status(task, store.WaitingConfirmation)
		b.status(task, store.WaitingConfirmation)
		from.must("POST", pathOf(task, "/confirm"), map[string]any{}, nil)
		from.becomes(task, store.Success)
		require.Contains(t, from.output(task), "Apply complete!")
	}
	fires()
}

// streams reads the stream of a task until it shows a text.
func (s *server) streams(task store.Task, text string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/api"+pathOf(task, "/stream"), nil)
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.w.token)
	res, err := s.w.client.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	require.FailNow(s.t, "the stream ended without it", text)
}

// schedule makes schedules while both servers watch for them, and returns what
// checks that each has fired once.
func (w *world) schedule() func() {
	template := w.template("quick.sh", map[string]any{"allow_parallel_tasks": true})
	schedules := fmt.Sprintf("/project/%d/schedules", w.project)
	add := func(server *server, more map[string]any) {
		body := map[string]any{"project_id": w.project, "template_id": template, "name": "S", "active": true}
		for k, v := range more {
			body[k] = v
		}
		server.must("POST", schedules, body, nil)
	}
	const once = 12
	first := time.Now().Add(2 * time.Second)
	for i := range once {
		add([]*server{w.a, w.b}[i%2], map[string]any{"type": "run_at", "run_at": first.Add(time.Duration(i/3) * time.Second).UTC().Format(time.RFC3339)})
	}
	add(w.a, map[string]any{"cron_format": "@every 5s"})
	return func() {
		w.t.Helper()
		var tasks []store.Task
		all := func() bool {
			fired := map[int64]bool{}
			for _, task := range tasks {
				if !task.Status.Finished() {
					return false
				}
				fired[*task.ScheduleID] = true
			}
			return len(fired) == once+1 && len(tasks) >= once+3
		}
		eventually(w.t, func() bool {
			tasks = nil
			w.b.must("GET", fmt.Sprintf("/project/%d/templates/%d/tasks", w.project, template), nil, &tasks)
			return all()
		}, "all schedules are to fire, and the one that repeats several times")
		fired := map[string]int{}
		for _, task := range tasks {
			require.Equal(w.t, store.Success, task.Status, task.Reason)
			fired[fmt.Sprint(*task.ScheduleID, " at ", task.FireTime)]++
		}
		for tick, n := range fired {
			require.Equal(w.t, 1, n, "schedule %s", tick)
		}
		require.GreaterOrEqual(w.t, len(fired), once+3)
	}
}
