package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job/internal/lines"
	"github.com/alexandervashurin/semaphore/job/internal/mask"
)

// errOutputClosed is returned to whoever writes after Close.
var errOutputClosed = errors.New("output is closed")

// outputOptions are the figures of an output.
type outputOptions struct {
	// Quota is how many bytes of the tools' text are kept; what comes after is
	// read and left out. Defaults to 2 GB.
	Quota int64
	// FlushBytes and FlushEvery are when lines go to the sink: so many bytes of
	// text are there, or the first of them waits so long. Default to 64 KiB and
	// 250 ms.
	FlushBytes int
	FlushEvery time.Duration
	// Now gives lines their time. Defaults to time.Now.
	Now func() time.Time
}

func (o outputOptions) withDefaults() outputOptions {
	if o.Quota <= 0 {
		o.Quota = 2 << 30
	}
	if o.FlushBytes <= 0 {
		o.FlushBytes = 64 << 10
	}
	if o.FlushEvery <= 0 {
		o.FlushEvery = 250 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// output is the log of one run on its way to the sink. What tools write is cut
// into lines, masked, put in order with the run's own lines and handed over in
// batches.
//
// One goroutine calls the sink, for lines and for everything else (see do). It
// ends with Close. While a call of the sink blocks, tools are no longer read;
// after one that failed, the lines are kept and offered again.
//
// The methods may be called from several goroutines.
type output struct {
	opts   outputOptions
	masker *mask.Masker
	queue  *lineQueue

	jobs chan sinkJob
	stop chan struct{} // closed by Close
	done chan struct{} // closed when the goroutine has ended
	once sync.Once
	err  error // of the last lines; to be read after done

	mu     sync.Mutex
	onLine func(text string)
}

// sinkJob is a call of the sink other than Lines.
type sinkJob struct {
	call   func(context.Context, Sink) error
	result chan error
}

// newOutput returns an output to sink and starts its goroutine. Calls of the
// sink get the values of ctx; they are not cancelled with it. masker may be nil.
func newOutput(ctx context.Context, sink Sink, masker *mask.Masker, opts outputOptions) *output {
	opts = opts.withDefaults()
	o := &output{
		opts: opts, masker: masker, queue: newLineQueue(opts.FlushBytes, opts.Quota),
		jobs: make(chan sinkJob), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go func() {
		defer close(o.done)
		o.err = o.deliver(context.WithoutCancel(ctx), sink)
		o.queue.close()
	}()
	return o
}

// Read takes what r yields until its end, line by line. The last line counts as
// partial if it has no line feed. Called for one tool after the other, the order
// is theirs.
func (o *output) Read(r io.Reader) error {
	w := o.Writer()
	chunk := make([]byte, 64<<10)
	for {
		n, err := r.Read(chunk)
		if _, werr := w.Write(chunk[:n]); werr != nil {
			return werr
		}
		switch {
		case errors.Is(err, io.EOF):
			return w.Close()
		case err != nil:
			return errors.Join(fmt.Errorf("read output: %w", err), w.Close())
		}
	}
}

// Writer returns a writer for the output of one tool. Close hands over a last
// line that has no line feed.
func (o *output) Writer() io.WriteCloser {
	w := &lineWriter{out: o}
	w.split = lines.NewSplitter(0, w.line)
	return w
}

// OnLine sets a function that sees the text of each further line of the tools,
// masked, those over the quota included. It is called by the goroutine that
// reads, after the line has got its place; nil ends it.
func (o *output) OnLine(f func(text string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.onLine = f
}

func (o *output) hook() func(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.onLine
}

// System adds lines about the run itself, in order with those of the tools. It
// never blocks, and does nothing after Close.
func (o *output) System(format string, args ...any) {
	now := o.opts.Now()
	s := lines.NewSplitter(0, func(l lines.Line) {
		text, _, masked := o.masked(l)
		o.queue.add(Line{Time: now, Stream: System, Text: text, Truncated: l.Dropped > 0, Masked: masked})
	})
	_, _ = fmt.Fprintf(s, format, args...) // a Splitter never fails
	_ = s.Close()
}

// Flush hands over what is there, and returns when that has been tried.
func (o *output) Flush() {
	// Nothing but Close makes do fail here, and Close flushes too.
	_ = o.do(func(context.Context, Sink) error { return nil })
}

// do hands over the lines that are there and then calls f, which may use the
// sink: nobody else does meanwhile. The context of f ends after 30 s and is
// not cancelled by a stop. f must not call Flush, do or Close.
func (o *output) do(f func(context.Context, Sink) error) error {
	j := sinkJob{call: f, result: make(chan error, 1)}
	select {
	case o.jobs <- j:
		return <-j.result
	case <-o.stop:
		return errOutputClosed
	}
}

// Close hands over the rest and ends the output; Read and Writer must have
// ended. Where the sink does not take the last lines, they are offered again for
// 10 s; the error then tells how many were lost. It is safe to call Close again.
func (o *output) Close() error {
	o.once.Do(func() { close(o.stop) })
	<-o.done
	return o.err
}

// masked returns the text of a line as it may be shown, and how much of its end
// is missing.
func (o *output) masked(l lines.Line) (text string, missing int64, masked bool) {
	shown := l.Text
	if l.Dropped > 0 {
		shown = shown[:o.masker.SafeCut(shown, len(shown))]
		l.Dropped += int64(len(l.Text) - len(shown))
	}
	shown, masked = o.masker.Line(shown)
	return string(shown), l.Dropped, masked
}

// lineWriter turns the output of one tool into lines.
type lineWriter struct {
	out *output

	mu    sync.Mutex
	split *lines.Splitter
	now   time.Time
	hook  func(text string)
	err   error
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin()
	_, _ = w.split.Write(p) // a Splitter never fails
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

func (w *lineWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin()
	_ = w.split.Close()
	return w.err
}

// begin reads the clock once for all lines of a chunk.
func (w *lineWriter) begin() {
	w.now = w.out.opts.Now()
	w.hook = w.out.hook()
}

func (w *lineWriter) line(l lines.Line) {
	text, missing, masked := w.out.masked(l)
	err := w.out.queue.put(Line{
		Time: w.now, Text: text, Partial: l.Partial, Truncated: missing > 0, Masked: masked,
	})
	switch {
	case errors.Is(err, errOverQuota):
	case err != nil:
		w.err = err
		return
	case missing > 0:
		w.out.System("line cut at %d MiB: %d bytes left out", lines.DefaultLimit>>20, missing)
	}
	if w.hook != nil {
		w.hook(text)
	}
}
