package proc

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// patience is how long a kill goes on without any process going away, before
// what is left counts as a survivor.
const patience = 5 * time.Second

// process is one line of the process table.
type process struct {
	pid, parent int
	name        string
	zombie      bool
}

// String names the process without its arguments, which may hold secrets.
func (p process) String() string { return fmt.Sprintf("%s (pid %d)", p.name, p.pid) }

// table reads all processes. It goes by /proc/PID/stat, which every kernel
// has: the shorter way over task/TID/children is a build option and misses
// children while their siblings exit.
func table() map[int]process {
	procs := make(map[int]process)
	dir, err := os.Open("/proc")
	if err != nil {
		return procs
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if p, ok := parseStat(pid, stat); ok {
			procs[pid] = p
		}
	}
	return procs
}

// parseStat reads "pid (name) state parent ... threads ...", where the name may
// hold anything.
func parseStat(pid int, stat []byte) (process, bool) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) < 18 || len(fields[0]) != 1 {
		return process{}, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return process{}, false
	}
	// A process whose first thread has ended looks like a zombie while its
	// other threads work on.
	state, single := fields[0][0], string(fields[17]) == "1"
	return process{
		pid: pid, parent: parent, name: string(stat[open+1 : end]),
		zombie: state == 'X' || state == 'Z' && single,
	}, true
}

// below returns what descends from the roots, without these and without what
// skip holds.
func below(procs map[int]process, roots, skip map[int]bool) map[int]process {
	children := make(map[int][]int)
	for pid, p := range procs {
		children[p.parent] = append(children[p.parent], pid)
	}
	found := make(map[int]process)
	next := slices.Collect(maps.Keys(roots))
	for len(next) > 0 {
		pid := next[len(next)-1]
		next = next[:len(next)-1]
		for _, child := range children[pid] {
			if _, seen := found[child]; !seen && !roots[child] && !skip[child] {
				found[child] = procs[child]
				next = append(next, child)
			}
		}
	}
	return found
}

// signalAll sends sig to each process that find returns, once each, and looks
// again until no new one has appeared. It returns all it has found.
func signalAll(sig syscall.Signal, find func() map[int]process) map[int]process {
	const rounds = 50 // something may fork faster than it is found
	found := make(map[int]process)
	for range rounds {
		fresh := false
		for pid, p := range find() {
			if _, seen := found[pid]; seen || p.zombie {
				continue
			}
			found[pid], fresh = p, true
			_ = syscall.Kill(pid, sig) // gone, or another user's: kill reports it
		}
		if !fresh {
			break
		}
	}
	return found
}

// killAll stops and kills what find returns, again and again, until it returns
// nothing. settle is called between the rounds; it waits a little and reports
// whether anything went away. What was killed comes back by pid, and what
// could not be.
func killAll(find func() map[int]process, settle func(time.Duration) bool) (killed map[int]process, survivors []string) {
	killed = make(map[int]process)
	wait, since := time.Millisecond, time.Now()
	for {
		// Stopped processes cannot fork while the others are being killed.
		victims := signalAll(syscall.SIGSTOP, find)
		for pid, p := range victims {
			if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
				killed[pid] = p
			} else if errors.Is(err, syscall.ESRCH) {
				delete(victims, pid)
			}
		}
		if settle(wait) {
			since = time.Now()
		}
		if len(victims) == 0 && len(find()) == 0 {
			return killed, nil
		}
		if time.Since(since) > patience {
			return killed, names(find())
		}
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// names lists processes in the order of their pids.
func names(procs map[int]process) []string {
	var list []string
	for _, pid := range slices.Sorted(maps.Keys(procs)) {
		list = append(list, procs[pid].String())
	}
	return list
}
