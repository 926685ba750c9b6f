package proc

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"time"
)

// KillMarked ends every process that has MarkerEnv=marker in its environment,
// with all its descendants, and returns their names. It is the sweep for runs
// whose supervisor was killed. Where [Guarded] reports a living supervisor,
// the tool is still being stopped in its own way, and this ends it the hard
// way. The calling process and its ancestors are never touched.
func KillMarked(marker string) []string {
	if marker == "" {
		return nil
	}
	spared := ancestors()
	find := func() map[int]process {
		procs := table()
		roots := make(map[int]bool)
		for pid := range procs {
			if !spared[pid] && marked(pid, marker) {
				roots[pid] = true
			}
		}
		found := below(procs, roots, spared)
		for pid := range roots {
			found[pid] = procs[pid]
		}
		for pid, p := range found {
			if p.zombie { // its parent's to reap
				delete(found, pid)
			}
		}
		return found
	}
	killed, _ := killAll(find, sleeper(find))
	return names(killed)
}

// sleeper waits by the clock, and reports whether find yields less than before.
func sleeper(find func() map[int]process) func(time.Duration) bool {
	before := -1
	return func(d time.Duration) bool {
		time.Sleep(d)
		now := len(find())
		fewer := before < 0 || now < before
		before = now
		return fewer
	}
}

// Guarded reports whether a supervisor with this marker is at work. After a
// crash of its parent it works on until the tool's grace is over.
func Guarded(marker string) bool {
	for pid, p := range table() {
		if p.zombie || !marked(pid, marker) {
			continue
		}
		argv, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.TrimRight(string(argv), "\x00") == supervisorName {
			return true
		}
	}
	return false
}

// marked reports whether the process was started with the marker.
func marked(pid int, marker string) bool {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return false // gone, or another user's
	}
	want := []byte(MarkerEnv + "=" + marker)
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(kv, want) {
			return true
		}
	}
	return false
}

// ancestors returns the calling process and all above it.
func ancestors() map[int]bool {
	procs, line := table(), make(map[int]bool)
	for pid := os.Getpid(); pid > 0 && !line[pid]; pid = procs[pid].parent {
		line[pid] = true
	}
	return line
}
