package job

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	sinkTimeout  = 30 * time.Second // of one call of the sink
	closeTimeout = 10 * time.Second // for offering the last lines again
)

// deliver takes lines to the sink until Close, and returns what became of the
// last ones. It is the only one to call the sink.
func (o *output) deliver(ctx context.Context, sink Sink) error {
	timer := time.NewTimer(o.opts.FlushEvery)
	timer.Stop()
	ticking := false
	for {
		flush := true
		select {
		case <-o.queue.wake:
			_, flush = o.queue.state()
		case <-timer.C:
			ticking = false
		case j := <-o.jobs:
			// What the sink did not take stays, and is offered again.
			_ = o.send(ctx, sink)
			j.result <- o.call(ctx, sink, j.call)
			flush = false
		case <-o.stop:
			timer.Stop()
			return o.sendLast(ctx, sink)
		}
		waiting, due := o.queue.state()
		for flush || due {
			err := o.send(ctx, sink)
			waiting, due = o.queue.state()
			flush, due = false, due && err == nil
		}
		switch {
		case waiting == 0:
			timer.Stop()
			ticking = false
		case !ticking:
			timer.Reset(o.opts.FlushEvery)
			ticking = true
		}
	}
}

// call makes one call of the sink other than Lines.
func (o *output) call(ctx context.Context, sink Sink, f func(context.Context, Sink) error) error {
	ctx, cancel := context.WithTimeout(ctx, sinkTimeout)
	defer cancel()
	return guard(func() error { return f(ctx, sink) })
}

// send offers all lines to the sink.
func (o *output) send(ctx context.Context, sink Sink) error {
	batch := o.queue.take()
	if len(batch) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sinkTimeout)
	defer cancel()
	err := guard(func() error { return sink.Lines(ctx, batch) })
	o.queue.settle(err == nil)
	return err
}

// sendLast offers the last lines until the sink takes them or time is up.
func (o *output) sendLast(ctx context.Context, sink Sink) error {
	o.queue.finish()
	var deadline time.Time
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := o.send(ctx, sink)
		for err == nil {
			if waiting, _ := o.queue.state(); waiting == 0 {
				return nil
			}
			err = o.send(ctx, sink)
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(closeTimeout)
		}
		if time.Now().Add(wait).After(deadline) {
			return fmt.Errorf("store the last %d lines: %w", o.queue.lost(), err)
		}
		time.Sleep(wait)
	}
}

// guard calls f and makes an error of a panic: a sink that fails must not end
// the process.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{value: r, stack: debug.Stack()}
		}
	}()
	return f()
}

// panicError is a panic that was caught. Its text is for everybody; the stack
// is for the program's own log.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panicked: %v", e.value) }
