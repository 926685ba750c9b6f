package proc

import (
	"io"
	"maps"
	"os"
	"syscall"
	"time"
)

// run guards the tree until the tool has exited, its output has been read, and
// what remains has been ended.
func (s *supervisor) run(terms <-chan os.Signal) {
	for {
		if s.settled() && !s.told {
			s.told = true
			s.stop.expired, s.stop.again = nil, nil
			s.tell(exitEvent(*s.status))
		}
		if s.told && s.drained {
			s.await(settleTime)
			if !s.order.KeepBackground || s.stop.asked {
				s.end()
			}
			return
		}
		select {
		case step, ok := <-s.steps:
			s.step(step, ok)
		case <-terms:
			s.step(stepStop, true)
		case r, ok := <-s.reap:
			s.note(r, ok)
		case <-s.stop.expired:
			s.stop.ask(stepKill)
		case <-s.stop.again:
			s.interrupt()
		}
	}
}

// settled reports whether the tool's exit can be told. While a tree is being
// stopped, its other processes have the grace as well and may still write.
func (s *supervisor) settled() bool {
	if s.status == nil {
		return false
	}
	stopping := s.stop.asked && s.order.Style == StopTree
	return s.empty || !stopping || s.survivors != nil
}

// step does what the parent asked for; it has died if ok is false.
func (s *supervisor) step(step byte, ok bool) {
	switch {
	case !ok:
		s.steps = nil
		s.drained = true
		go drain()
		if !s.told {
			s.stop.ask(stepStop)
		}
	case step == stepDrained:
		s.drained = true
	case !s.told:
		s.stop.ask(step)
	case step == stepKill, step == stepForce && !s.order.KeepBackground:
		s.end() // the tool is gone; hurry with what it left
	}
}

// drain reads the output in place of the dead parent. A tool without a reader
// would stand still, or die of SIGPIPE, and leave its locks behind.
func drain() {
	_ = syscall.SetNonblock(fdDrain, true) // so that it waits in the poller
	_, _ = io.Copy(io.Discard, os.NewFile(fdDrain, "output"))
}

// note takes down that a process has ended, or that none is left.
func (s *supervisor) note(r reaped, ok bool) {
	if !ok {
		s.reap, s.empty = nil, true
		return
	}
	if r.pid == s.leader {
		s.status = &r.status
	}
}

// await notes what ends within d, and reports whether anything did. It returns
// early when nothing is left.
func (s *supervisor) await(d time.Duration) (noted bool) {
	deadline := time.After(d)
	for !s.empty {
		select {
		case r, ok := <-s.reap:
			s.note(r, ok)
			noted = true
		case <-deadline:
			return noted
		}
	}
	return noted
}

// interrupt sends INT to the tool alone.
func (s *supervisor) interrupt() {
	if s.status == nil {
		_ = syscall.Kill(s.leader, syscall.SIGINT)
	}
}

// terminate sends TERM to every process there is now. They stand still until
// all have it, so that what they start in order to tidy up is left alone.
func (s *supervisor) terminate() {
	found := signalAll(syscall.SIGSTOP, s.descendants)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} {
		for pid := range found {
			_ = syscall.Kill(pid, sig) // gone, or another user's
		}
	}
}

// kill is the end of a stop.
func (s *supervisor) kill() { s.killed = s.end() || s.killed }

// end kills the tree until nothing is left, and reports whether there was
// anything. What outlived the tool is noted as left over.
func (s *supervisor) end() bool {
	exited, begin := s.status != nil, time.Now()
	killed, survivors := map[int]process{}, []string(nil)
	for !s.empty && survivors == nil {
		more, left := killAll(s.descendants, s.await)
		maps.Copy(killed, more)
		survivors = left
		s.await(settleTime) // for the last ones to be reaped
		if len(more) == 0 && time.Since(begin) > 2*patience && !s.empty {
			survivors = append(survivors, "a process that /proc does not show")
		}
	}
	if exited {
		s.leftovers = append(s.leftovers, names(killed)...)
	}
	s.survivors = append(s.survivors, survivors...)
	if s.status == nil && survivors != nil { // a tool that KILL cannot reach
		status := syscall.WaitStatus(syscall.SIGKILL)
		s.status = &status
	}
	return len(killed) > 0
}

// descendants returns all living processes of the tree.
func (s *supervisor) descendants() map[int]process {
	found := below(table(), map[int]bool{os.Getpid(): true}, nil)
	maps.DeleteFunc(found, func(_ int, p process) bool { return p.zombie })
	return found
}

// exitEvent reports how the leader ended.
func exitEvent(status syscall.WaitStatus) event {
	code, name := exitOf(status)
	return event{Kind: eventExited, Code: code, Signal: name}
}
