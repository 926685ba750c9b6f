//go:build unix

package proc

import "time"

// intGap lies between the two INTs of StopLeader. Signals of one number do not
// queue: sent at once, they would count as one.
const intGap = 200 * time.Millisecond

// tree is what a stopper works on.
type tree interface {
	interrupt() // INT to the tool alone
	terminate() // TERM to everything
	kill()      // KILL to everything
}

// stopper turns steps asked for into signals. Its owner asks from one
// goroutine, and calls expired and again when the channels fire.
type stopper struct {
	tree  tree
	style StopStyle
	grace time.Duration

	asked  bool // a stop has begun
	forced bool
	last   time.Time // of the first INT

	expired <-chan time.Time // the grace is over: ask for stepKill
	again   <-chan time.Time // the second INT is due: call tree.interrupt
}

// ask begins a stop or makes it more urgent. A step asked for again does
// nothing.
func (s *stopper) ask(step byte) {
	switch step {
	case stepStop:
		s.stop()
	case stepForce:
		s.force()
	case stepKill:
		s.asked = true
		s.expired, s.again = nil, nil
		s.tree.kill()
	}
}

func (s *stopper) stop() {
	if s.asked {
		return
	}
	s.asked = true
	s.expired = time.After(s.grace)
	if s.style == StopTree {
		s.tree.terminate()
		return
	}
	s.last = time.Now()
	s.tree.interrupt()
}

func (s *stopper) force() {
	if s.style == StopTree {
		s.ask(stepKill)
		return
	}
	s.stop()
	if !s.forced && s.expired != nil {
		s.forced = true
		s.again = time.After(intGap - time.Since(s.last))
	}
}
