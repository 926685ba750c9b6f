//go:build linux

package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/store"
)

// read follows the output of tasks that run, as people at any of the servers do.
func (f *fleet) read(ctx context.Context) {
	running := store.TaskFilter{Statuses: []store.Status{store.Starting, store.Running, store.Stopping}}
	for ctx.Err() == nil {
		page, err := f.st.Tasks().List(ctx, running)
		if err == nil {
			for _, t := range page.Items {
				f.look(t.Task)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond): // how often somebody looks
		}
	}
}

// look reads on where the output of a task was left.
func (f *fleet) look(t store.Task) {
	f.mu.Lock()
	from := len(f.seen[t.ID])
	f.mu.Unlock()
	for _, address := range f.addresses() {
		var lines []struct {
			ID     int64
			Output string
		}
		if err := f.at(address, "GET", pathOf(t, fmt.Sprintf("/output?from=%d&limit=1000", from)), nil, &lines); err != nil {
			continue
		}
		f.mu.Lock()
		for _, l := range lines {
			f.seen[t.ID] = append(f.seen[t.ID], store.LogLine{Number: l.ID, Text: l.Output})
		}
		f.mu.Unlock()
		return
	}
}

// awaitEnd waits until all tasks have ended, or patience ends.
func (f *fleet) awaitEnd(since time.Time, patience time.Duration) time.Time {
	f.t.Helper()
	for {
		counts, err := f.st.Tasks().Counts(f.t.Context(), store.TaskFilter{})
		require.NoError(f.t, err)
		open := 0
		for status, n := range counts {
			if !status.Finished() {
				open += n
			}
		}
		if open == 0 || time.Since(since) > patience {
			return time.Now()
		}
		time.Sleep(20 * time.Millisecond) // how often somebody looks
	}
}

// evidence gathers what is known once the programs have ended.
func (f *fleet) evidence(since, over time.Time, patience time.Duration) crash.Evidence {
	f.t.Helper()
	e := crash.Evidence{
		Events: f.history(), Kills: f.kills, LastStart: since, Over: over, Patience: patience, MaxParallel: f.maxParallel,
		PerProject: f.perProject,
	}
	known := map[int64]bool{}
	filter := store.TaskFilter{Oldest: true, Limit: 1000}
	for {
		page, err := f.st.Tasks().List(f.t.Context(), filter)
		require.NoError(f.t, err)
		for _, t := range page.Items {
			known[t.ID] = true
			e.Tasks = append(e.Tasks, f.record(t.Task))
		}
		if page.Next == "" {
			break
		}
		filter.After = page.Next
	}
	for _, t := range f.added { // whose addition was answered
		if !known[t.ID] {
			e.Tasks = append(e.Tasks, crash.Record{ID: t.ID})
		}
	}
	for _, pid := range f.left() {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		e.Left = append(e.Left, fmt.Sprintf("%d %s", pid, strings.ReplaceAll(string(line), "\x00", " ")))
	}
	return e
}

// record is what is known of a task.
func (f *fleet) record(t store.Task) crash.Record {
	f.t.Helper()
	r := crash.Record{ID: t.ID, Task: t, Seen: f.seen[t.ID], Stopped: f.stopped[t.ID]}
	var pause, tidy int
	_, err := fmt.Sscanf(t.Message, "%d %d %d %d", &r.Lines, &pause, &tidy, &r.Again)
	require.NoError(f.t, err)
	for _, tpl := range f.templates {
		if tpl.ID == t.TemplateID {
			r.Exclusive = !tpl.AllowParallelTasks
		}
	}
	page, err := f.st.Logs().Read(f.t.Context(), t.ProjectID, t.ID, 0, 100000)
	require.NoError(f.t, err)
	r.Output = page.Lines
	for i := range r.Seen { // the API does not tell the attempt of a line
		if i < len(r.Output) {
			r.Seen[i].Attempt = r.Output[i].Attempt
		}
	}
	return r
}

// left lists the processes of this fleet's runs and programs.
func (f *fleet) left() []int {
	entries, err := os.ReadDir("/proc")
	require.NoError(f.t, err)
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err == nil && strings.Contains(string(env), f.events) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killLeft ends what a mutant has left.
func (f *fleet) killLeft() {
	for _, pid := range f.left() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
