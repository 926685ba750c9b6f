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
	seq       int64    // sequence number of the next report that gets one
	memory    []Report // older than everything in the spool
	numbered  int      // how many of memory, the first ones, have their number and are whole
	size      int      // of memory
	taken     int      // how many of memory next has returned as one
	current   Report   // what next has returned
	spooled   int64    // number of the newest report that went to the spool
	ripe      bool     // events have waited long enough
	complain  bool     // a failure of the spool was logged
	closed    bool
	abandoned bool
	lined     bool // some output was put
}

func newReportBuffer(a Assignment, limit int, dir string, log *slog.Logger) *reportBuffer {
	b := &reportBuffer{limit: limit, spool: spool{dir: dir, lease: a.Lease}, seq: a.NextSeq, log: log}
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
	err := b.keepOnDisk(r)
	if err != nil && !b.complain {
		b.complain = true
		b.log.Error("spool output", "error", err)
	}
	return err == nil
}

// keepOnDisk writes r to the spool, behind copies of what is in memory: should
// this process be killed, the next one finds all that was not delivered.
func (b *reportBuffer) keepOnDisk(r Report) error {
	if b.spool.waiting == 0 {
		b.settle()
		if err := b.spool.copy(b.memory); err != nil {
			return err
		}
	}
	r.Seq = b.seq
	if err := b.spool.write(r); err != nil {
		return err
	}
	b.seq, b.spooled = b.seq+1, r.Seq
	return nil
}

// settle numbers what is in memory, as it will be delivered.
func (b *reportBuffer) settle() {
	var whole []Report
	i := b.taken
	if i > 0 {
		whole, b.taken = append(whole, b.current), 1
	}
	for i < len(b.memory) {
		r, n := b.group(i)
		if i >= b.numbered {
			r = b.number(r)
		}
		whole, i = append(whole, r), i+n
	}
	b.memory, b.numbered, b.size = whole, len(whole), 0
	for _, r := range whole {
		b.size += r.size()
	}
}

// group makes one report of those of memory from i on that belong together, and
// tells how many these are.
func (b *reportBuffer) group(i int) (r Report, n int) {
	r, n = b.memory[i], 1
	for i >= b.numbered && i+n < len(b.memory) && r.merge(b.memory[i+n]) {
		n++
	}
	return r, n
}

func (b *reportBuffer) number(r Report) Report {
	r.Seq = b.seq
	b.seq++
	return r
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
			b.unspool()
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
	r, n := b.group(0)
	if b.numbered > 0 || r.urgent() || b.ripe || b.closed || n < len(b.memory) || b.spool.waiting > 0 {
		if b.numbered == 0 {
			r = b.number(r)
		}
		b.taken, b.current = n, r
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

// unspool reads the oldest report of the file into the memory, which is empty.
// Of a file that cannot be read a notice is what is left.
func (b *reportBuffer) unspool() {
	r, lost, err := b.spool.read()
	b.numbered = 1
	if err != nil {
		b.log.Error("read spooled output", "lost_reports", lost, "error", err)
		b.seq -= int64(lost)
		b.numbered = 0
		r = Report{Lines: []Line{{
			Time: time.Now().Round(0), Stream: System,
			Text: "output is missing here: " + itoa(int64(lost)) + " batches could not be read back from the spool file",
		}}}
	}
	b.memory = append(b.memory, r)
	b.size += r.size()
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
	if b.spool.waiting == 0 && b.spool.end > b.spool.head && b.current.Seq >= b.spooled {
		b.spool.reset()
	}
	b.numbered = max(0, b.numbered-b.taken)
	b.taken, b.current, b.ripe = 0, Report{}, false
	b.change.Broadcast()
}

// close tells that nothing more will be put in.
func (b *reportBuffer) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.change.Broadcast()
}

// abandon gives up: what still comes is dropped, so that nobody waits. What was
// not delivered stays in the file, for the next Worker, if there is one.
func (b *reportBuffer) abandon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spool.dir != "" && b.spool.waiting == 0 && len(b.memory) > 0 {
		b.settle()
		if err := b.spool.copy(b.memory); err != nil {
			b.log.Error("spool output", "error", err)
		}
	}
	b.abandoned, b.memory, b.size, b.taken, b.numbered = true, nil, 0, 0, 0
	b.change.Broadcast()
}

// remove deletes the file, once the buffer is not used any more, unless it is
// left to the next Worker.
func (b *reportBuffer) remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.spool.close(b.abandoned); err != nil {
		b.log.Warn("remove spool file", "error", err)
	}
}
