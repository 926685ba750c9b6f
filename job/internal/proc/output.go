package proc

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// How long the output is waited for after the tool has exited, and how much of
// it is kept in memory for a slow consumer.
const (
	quietTime = 2 * time.Second
	drainTime = 10 * time.Second

	room      = 64 << 10 // while the tool runs; then the pipe fills and it waits
	drainRoom = 1 << 20  // afterwards: more than a pipe holds
)

// output takes the tree's output from the pipe and hands it to one consumer. A
// goroutine of its own reads the pipe, so that silence means that nothing was
// written and not that the consumer is slow.
type output struct {
	pipe  *os.File
	ended chan struct{} // closed when the pipe is no longer read
	once  sync.Once

	mu      sync.Mutex
	change  *sync.Cond
	pending []byte
	limit   time.Time // when reading ends at the latest; zero while the tool runs
	late    bool      // limit has passed
	closed  bool      // nothing will be added to pending
	held    bool      // closed before the pipe's end
}

// newOutput begins to read pipe, which it owns from then on.
func newOutput(pipe *os.File) *output {
	o := makeOutput(pipe)
	go o.pump()
	return o
}

func makeOutput(pipe *os.File) *output {
	o := &output{pipe: pipe, ended: make(chan struct{})}
	o.change = sync.NewCond(&o.mu)
	return o
}

// Read gives the consumer what is there, and waits while nothing is.
func (o *output) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.pending) == 0 && !o.closed {
		o.change.Wait()
	}
	if len(o.pending) == 0 {
		return 0, io.EOF
	}
	n := copy(p, o.pending)
	o.pending = o.pending[n:]
	o.change.Broadcast()
	return n, nil
}

// finish is called when the tool has exited. It returns when the pipe has
// ended, or was quiet for too long, and all that was in it has been taken. It
// reports whether the pipe was given up before its end.
func (o *output) finish() (held bool) {
	o.once.Do(func() {
		o.mu.Lock()
		o.limit = time.Now().Add(drainTime)
		timed := o.pipe.SetReadDeadline(time.Now().Add(quietTime)) == nil
		o.change.Broadcast()
		o.mu.Unlock()
		timer := time.AfterFunc(drainTime, func() {
			o.mu.Lock()
			o.late = true
			o.change.Broadcast()
			o.mu.Unlock()
		})
		defer timer.Stop()
		if timed {
			<-o.ended
			return
		}
		select { // a system whose pipes know no deadline
		case <-o.ended:
		case <-time.After(quietTime):
			o.close(true)
		}
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held
}

// A tool that writes line by line would wake its reader for each of them, and
// both would do little else. After a row of small reads the pipe is given a
// moment to fill.
const (
	smallRead  = 8 << 10
	rowOfSmall = 32
	moment     = 3 * time.Millisecond
)

// pace counts small reads in a row.
type pace struct{ small int }

// rest waits a moment if the read of n bytes was one too many small ones.
func (p *pace) rest(n int) {
	if n >= smallRead {
		p.small = 0
		return
	}
	if p.small++; p.small > rowOfSmall {
		time.Sleep(moment)
	}
}

// pump moves bytes from the pipe to pending until the pipe ends or expires.
func (o *output) pump() {
	defer close(o.ended)
	defer o.pipe.Close()
	chunk := make([]byte, 32<<10)
	var pace pace
	for {
		n, err := o.pipe.Read(chunk)
		o.put(chunk[:n])
		if err == nil {
			pace.rest(n)
		}
		switch {
		case err == nil:
			o.renew()
		case errors.Is(err, os.ErrDeadlineExceeded):
			if o.expired(chunk) {
				return
			}
		default: // the end, or a pipe that cannot be read
			o.close(false)
			return
		}
	}
}

// put adds b to pending once there is room.
func (o *output) put(b []byte) {
	if len(b) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.hasRoom() {
		o.change.Wait()
	}
	if !o.closed {
		o.pending = append(o.pending, b...)
		o.change.Broadcast()
	}
}

func (o *output) hasRoom() bool {
	if o.limit.IsZero() {
		return len(o.pending) < room
	}
	return o.late || o.closed || len(o.pending) < drainRoom
}

// renew grants another quiet time after bytes have come, up to the limit.
func (o *output) renew() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.limit.IsZero() {
		return
	}
	next := time.Now().Add(quietTime)
	if next.After(o.limit) {
		next = o.limit
	}
	// A deadline that cannot be set leaves the one before, which is stricter.
	_ = o.pipe.SetReadDeadline(next)
}

// expired looks once more after the deadline: a machine that stood still must
// not lose what the tool wrote before it exited. It reports whether reading is
// over.
func (o *output) expired(chunk []byte) bool {
	if err := o.pipe.SetReadDeadline(time.Time{}); err != nil {
		o.close(true)
		return true
	}
	for taken := 0; taken < drainRoom; {
		n, err := readNow(o.pipe, chunk)
		if n > 0 {
			o.put(chunk[:n])
			taken += n
			if time.Now().Before(o.limit) {
				o.renew()
				return false
			}
			continue
		}
		o.close(errors.Is(err, errEmpty))
		return true
	}
	o.close(true) // somebody writes without end; the tool's own bytes came first
	return true
}

func (o *output) close(held bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed, o.held = true, held
	}
	o.change.Broadcast()
}
