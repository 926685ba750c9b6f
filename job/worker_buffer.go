package job

import (
	"log/slog"
	"sync"
	"time"
)

// reportBuffer keeps the reports of a run, in order, until they are delivered:
// in memory up to a limit, then in a spool file if there is a directory for it.
// Without one, or while the file cannot be written, output waits.
//
// One goroutine takes reports out; any number put them in.
type reportBuffer struct {
	limit int
	spool spool
	log   *slog.Logger

	mu        sync.Mutex
	change    *sync.Cond
	memory    []Report // older than everything in the spool
	size      int      // of memory
	taken     int      // how many of memory next has returned as one
	ripe      bool     // events have waited long enough
	complain  bool     // a failure of the spool was logged
	closed    bool
	abandoned bool
	lined     bool // some output was put
}

func newReportBuffer(limit int, dir string, log *slog.Logger) *reportBuffer {
	b := &reportBuffer{limit: limit, spool: spool{dir: dir}, log: log}
	b.change = sync.NewCond(&b.mu)
	return b
}

// put adds output, and waits while there is no room for it.
func (b *reportBuffer) put(r Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lined = b.lined || len(r.Lines) > 0
	for !b.abandoned && !b.keep(r, false) {
		b.change.Wait()
	}
}

// silent tells whether nothing was put out so far.
func (b *reportBuffer) silent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.lined
}

// add adds an event, which finds room in memory whatever the limit: there are
// few of them, and a stop must not wait for one. It waits only where the file
// with what came before it cannot be written.
func (b *reportBuffer) add(r Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.abandoned && !b.keep(r, true) {
		b.change.Wait()
	}
}

// offer adds an event, or drops it where add would wait.
func (b *reportBuffer) offer(r Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.abandoned {
		b.keep(r, true)
	}
}

// keep stores r behind what is there, if it can.
func (b *reportBuffer) keep(r Report, event bool) bool {
	size := r.size()
	if b.spool.waiting == 0 && (event || len(b.memory) == 0 || b.size+size <= b.limit) {
		b.memory = append(b.memory, r)
		b.size += size
		b.change.Broadcast()
		return true
	}
	if b.spool.dir == "" {
		return false
	}
	err := b.spool.write(r)
	if err != nil && !b.complain {
		b.complain = true
		b.log.Error("spool output", "error", err)
	}
	return err == nil
}

// linger is how long events wait for what may follow them: most of a short run
// then takes one call.
const linger = 30 * time.Millisecond

// next waits for the oldest reports and returns them as one, to be settled by
// ack. It returns false when the buffer was closed and everything is delivered,
// or abandoned.
func (b *reportBuffer) next() (Report, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case b.abandoned:
			return Report{}, false
		case len(b.memory) > 0:
			if r, ok := b.gather(); ok {
				return r, true
			}
			b.change.Wait()
		case b.spool.waiting > 0:
			r := b.unspool()
			b.memory = append(b.memory, r)
			b.size += r.size()
		case b.closed:
			return Report{}, false
		default:
			b.change.Wait()
		}
	}
}

// gather makes one report of those in memory that belong together, unless it
// may wait for more.
func (b *reportBuffer) gather() (Report, bool) {
	r := b.memory[0]
	b.taken = 1
	for b.taken < len(b.memory) && r.merge(b.memory[b.taken]) {
		b.taken++
	}
	if r.urgent() || b.ripe || b.closed || b.taken < len(b.memory) || b.spool.waiting > 0 {
		return r, true
	}
	time.AfterFunc(linger, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.ripe = true
		b.change.Broadcast()
	})
	return r, false
}

// unspool reads the oldest report of the file. Of a file that cannot be read a
// notice is what is left.
func (b *reportBuffer) unspool() Report {
	r, lost, err := b.spool.read()
	if err == nil {
		return r
	}
	b.log.Error("read spooled output", "lost_reports", lost, "error", err)
	return Report{Lines: []Line{{
		Time: time.Now().Round(0), Stream: System,
		Text: "output is missing here: " + itoa(int64(lost)) + " batches could not be read back from the spool file",
	}}}
}

// ack removes the reports that next returned.
func (b *reportBuffer) ack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.taken {
		b.size -= b.memory[i].size()
		b.memory[i] = Report{}
	}
	if b.memory = b.memory[b.taken:]; len(b.memory) == 0 {
		b.memory = nil
	}
	b.taken, b.ripe = 0, false
	b.change.Broadcast()
}

// close tells that nothing more will be put in.
func (b *reportBuffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.change.Broadcast()
}

// abandon drops what is there and what still comes, so that nobody waits.
func (b *reportBuffer) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abandoned, b.memory, b.size = true, nil, 0
	b.change.Broadcast()
}

// remove deletes the file, once the buffer is not used any more.
func (b *reportBuffer) remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.spool.remove(); err != nil {
		b.log.Warn("remove spool file", "error", err)
	}
}
