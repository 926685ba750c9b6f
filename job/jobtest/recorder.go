package jobtest

import (
	"context"
	"strings"
	"sync"

	"github.com/alexandervashurin/semaphore/job"
)

// Recorder is a job.Sink that keeps everything. The zero value rejects what it
// is asked; set Answer, or OnConfirm, before the run. It is safe for concurrent
// use.
type Recorder struct {
	Answer    job.Answer                                            // what Confirm answers. Defaults to job.Reject.
	OnConfirm func(context.Context, job.Prompt) (job.Answer, error) // answers in place of Answer
	OnLine    func(job.Line)                                        // sees each line as it arrives
	OnStatus  func(job.Status)                                      // sees each status as it arrives

	mu       sync.Mutex
	lines    []job.Line
	statuses []job.Status
	commits  []job.Commit
	plans    []job.PlanSummary
	prompts  []job.Prompt
	keys     []job.HostKey
	commands [][]string
}

// Lines implements job.Sink.
func (r *Recorder) Lines(_ context.Context, lines []job.Line) error {
	r.mu.Lock()
	r.lines = append(r.lines, lines...)
	r.mu.Unlock()
	if r.OnLine != nil {
		for _, line := range lines {
			r.OnLine(line)
		}
	}
	return nil
}

// Status implements job.Sink.
func (r *Recorder) Status(_ context.Context, s job.Status) error {
	r.mu.Lock()
	r.statuses = append(r.statuses, s)
	r.mu.Unlock()
	if r.OnStatus != nil {
		r.OnStatus(s)
	}
	return nil
}

// Commit implements job.Sink.
func (r *Recorder) Commit(_ context.Context, c job.Commit) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits = append(r.commits, c)
	return nil
}

// Plan implements job.Sink.
func (r *Recorder) Plan(_ context.Context, p job.PlanSummary) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plans = append(r.plans, p)
	return nil
}

// Confirm implements job.Sink.
func (r *Recorder) Confirm(ctx context.Context, p job.Prompt) (job.Answer, error) {
	r.mu.Lock()
	r.prompts = append(r.prompts, p)
	r.mu.Unlock()
	switch {
	case r.OnConfirm != nil:
		return r.OnConfirm(ctx, p)
	case r.Answer == "":
		return job.Reject, nil
	default:
		return r.Answer, nil
	}
}

// HostKey implements job.Sink.
func (r *Recorder) HostKey(_ context.Context, k job.HostKey) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, k)
	return nil
}

// Command implements job.CommandSink.
func (r *Recorder) Command(_ context.Context, argv []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commands = append(r.commands, argv)
	return nil
}

// AllLines returns every line so far.
func (r *Recorder) AllLines() []job.Line {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]job.Line(nil), r.lines...)
}

// Output returns the tool's lines, without this package's own, joined by line
// feeds and without terminal sequences.
func (r *Recorder) Output() string {
	return r.text(func(l job.Line) bool { return l.Stream != job.System })
}

// System returns the lines about the run itself, joined by line feeds.
func (r *Recorder) System() string {
	return r.text(func(l job.Line) bool { return l.Stream == job.System })
}

// Log returns all lines, joined by line feeds, terminal sequences kept.
func (r *Recorder) Log() string {
	var b strings.Builder
	for _, line := range r.AllLines() {
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

func (r *Recorder) text(want func(job.Line) bool) string {
	var b strings.Builder
	for _, line := range r.AllLines() {
		if want(line) {
			b.WriteString(job.StripANSI(line.Text) + "\n")
		}
	}
	return b.String()
}

// Statuses returns what Status was called with.
func (r *Recorder) Statuses() []job.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]job.Status(nil), r.statuses...)
}

// Commits returns what Commit was called with.
func (r *Recorder) Commits() []job.Commit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]job.Commit(nil), r.commits...)
}

// Plans returns what Plan was called with.
func (r *Recorder) Plans() []job.PlanSummary {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]job.PlanSummary(nil), r.plans...)
}

// Prompts returns what Confirm was called with.
func (r *Recorder) Prompts() []job.Prompt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]job.Prompt(nil), r.prompts...)
}

// HostKeys returns what HostKey was called with.
func (r *Recorder) HostKeys() []job.HostKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]job.HostKey(nil), r.keys...)
}

// Commands returns what Command was called with.
func (r *Recorder) Commands() [][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([][]string(nil), r.commands...)
}
