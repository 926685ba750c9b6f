package cli

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/alexandervashurin/semaphore/job"
)

// Streams are the standard streams of the process.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	hashCost int // of passwords, so that tests need not wait; 0 is the default
}

// stopping returns streams that stop the task when nobody reads them any more.
func (s Streams) stopping(stopper *job.Stopper) Streams {
	stop := func() { stopper.Stop(fmt.Errorf("%w: nobody reads the output", job.ErrStopped)) }
	s.Out, s.Err = &outWriter{w: s.Out, stop: stop}, &outWriter{w: s.Err, stop: stop}
	return s
}

// outWriter writes until it cannot. From then on it takes everything, so that
// the task ends in its own way and cleans up.
type outWriter struct {
	w    io.Writer
	stop func()

	mu     sync.Mutex
	broken bool
}

// Write never fails.
func (o *outWriter) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken {
		return len(p), nil
	}
	if _, err := o.w.Write(p); err != nil {
		o.broken = true
		o.stop()
	}
	return len(p), nil
}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	if o, ok := stream.(*outWriter); ok {
		stream = o.w
	}
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
