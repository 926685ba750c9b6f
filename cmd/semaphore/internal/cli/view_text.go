package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
)

// textView prints the tool's lines on standard output and everything else on
// standard error. On a terminal the last line shows the phase and its time.
type textView struct {
	out, err io.Writer
	asker    *asker
	strip    bool // the output is no terminal: no colours
	live     bool // the last line of a terminal shows progress

	mu     sync.Mutex
	phase  string
	last   string // system line
	since  time.Time
	lines  int
	shown  bool // the progress line is on the screen
	asking bool
	done   chan struct{}
	gone   chan struct{}
}

func newTextView(s Streams, a *asker) *textView {
	v := &textView{
		out: s.Out, err: s.Err, asker: a,
		strip: !isTerminal(s.Out) || os.Getenv("NO_COLOR") != "",
		live:  isTerminal(s.Err) && os.Getenv("TERM") != "dumb",
		since: time.Now(), done: make(chan struct{}), gone: make(chan struct{}),
	}
	if !v.live {
		close(v.gone)
		return v
	}
	go func() {
		defer close(v.gone)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-v.done:
				return
			case <-tick.C:
				v.mu.Lock()
				v.draw()
				v.mu.Unlock()
			}
		}
	}()
	return v
}

// draw shows the progress line; v.mu is held.
func (v *textView) draw() {
	if !v.live || v.asking || v.phase == "" {
		return
	}
	fmt.Fprintf(v.err, "\r\x1b[K\x1b[2m%s · %s · %d lines\x1b[0m", v.phase, time.Since(v.since).Round(time.Second), v.lines)
	v.shown = true
}

// erase takes the progress line away; v.mu is held.
func (v *textView) erase() {
	if v.shown {
		fmt.Fprint(v.err, "\r\x1b[K")
		v.shown = false
	}
}

func (v *textView) Lines(_ context.Context, lines []job.Line) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	var tool strings.Builder
	flush := func() error {
		_, err := io.WriteString(v.out, tool.String())
		tool.Reset()
		return err
	}
	for _, line := range lines {
		if line.Stream == job.System {
			if err := flush(); err != nil {
				return err
			}
			v.system(line.Text)
			continue
		}
		v.lines++
		text := line.Text
		if v.strip {
			text = job.StripANSI(text)
		}
		tool.WriteString(text)
		tool.WriteByte('\n')
	}
	return flush()
}

func (v *textView) system(text string) {
	v.last = text
	if v.live {
		text = "\x1b[2m" + text + "\x1b[0m"
	}
	fmt.Fprintln(v.err, "--", text)
}

func (v *textView) Status(_ context.Context, s job.Status) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	if s.Phase == job.PhaseConfirm && s.State == job.WaitingConfirmation {
		return nil // the question itself says it
	}
	v.phase, v.since = string(s.Phase), time.Now()
	if s.Phase != job.PhaseFinish && s.Phase != job.PhasePrepare && s.Phase != job.PhaseStop {
		fmt.Fprintf(v.err, "== %s\n", s.Text)
	}
	return nil
}

func (v *textView) Commit(context.Context, job.Commit) error { return nil }

func (v *textView) Plan(_ context.Context, p job.PlanSummary) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	if p.Empty() {
		fmt.Fprintln(v.err, "== no changes")
		return nil
	}
	for _, c := range p.Changes {
		fmt.Fprintf(v.err, "   %-8s %s\n", c.Action, c.Address)
	}
	fmt.Fprintf(v.err, "== %d to add, %d to change, %d to destroy", p.Add, p.Change, p.Destroy)
	if p.Outputs > 0 {
		fmt.Fprintf(v.err, ", %d outputs change", p.Outputs)
	}
	fmt.Fprintln(v.err)
	return nil
}

func (v *textView) Confirm(_ context.Context, p job.Prompt) (job.Answer, error) {
	v.mu.Lock()
	v.erase()
	v.asking = true
	question := p.Text
	if p.Kind == job.AskApply {
		question = "Apply this plan?"
	}
	fmt.Fprintf(v.err, "%s [y/N] ", question)
	v.mu.Unlock()
	text, ok := v.asker.line()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asking = false
	if !ok {
		fmt.Fprintln(v.err, "\n-- no answer: rejected (--auto-approve applies without asking)")
	}
	return answerOf(text, ok), nil
}

// answerOf understands y and yes; everything else rejects.
func answerOf(text string, ok bool) job.Answer {
	switch strings.ToLower(text) {
	case "y", "yes":
		if ok {
			return job.Approve
		}
	}
	return job.Reject
}

func (v *textView) HostKey(context.Context, job.HostKey) error { return nil }

func (v *textView) note(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	v.system(fmt.Sprintf(format, args...))
}

func (v *textView) end(result job.Result, _ error) {
	close(v.done)
	<-v.gone
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	word := map[job.Outcome]string{job.Success: "done", job.Failure: "failed", job.Stopped: "stopped", job.Held: "waits for confirmation"}[result.Outcome]
	if result.Message != "" && (result.Message != v.last || result.Outcome == job.Failure) {
		word += ": " + result.Message
	}
	fmt.Fprintf(v.err, "== %s\n", word)
}
