package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/job"
)

// jsonView prints one event per line. A prompt is answered by a line on
// standard input: y or yes approves, anything else and the end reject.
type jsonView struct {
	mu    sync.Mutex
	enc   *json.Encoder
	asker *asker
}

// event is a line of the output. Type tells which of the other fields is set:
// line, status, commit, plan, prompt, host_key, note or result.
type event struct {
	Type    string           `json:"type"`
	Time    time.Time        `json:"time"`
	Stream  string           `json:"stream,omitempty"`
	Text    *string          `json:"text,omitempty"`
	Status  *job.Status      `json:"status,omitempty"`
	Commit  *job.Commit      `json:"commit,omitempty"`
	Plan    *job.PlanSummary `json:"plan,omitempty"`
	Prompt  *job.Prompt      `json:"prompt,omitempty"`
	HostKey *job.HostKey     `json:"host_key,omitempty"`
	Result  *job.Result      `json:"result,omitempty"`
}

func newJSONView(s Streams, a *asker) *jsonView {
	enc := json.NewEncoder(s.Out)
	enc.SetEscapeHTML(false)
	return &jsonView{enc: enc, asker: a}
}

func (v *jsonView) emit(e event) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC()
	return v.enc.Encode(e)
}

func (v *jsonView) Lines(_ context.Context, lines []job.Line) error {
	for i := range lines {
		if err := v.emit(event{Type: "line", Time: lines[i].Time, Stream: lines[i].Stream.String(), Text: &lines[i].Text}); err != nil {
			return err
		}
	}
	return nil
}

func (v *jsonView) Status(_ context.Context, s job.Status) error {
	return v.emit(event{Type: "status", Status: &s})
}

func (v *jsonView) Commit(_ context.Context, c job.Commit) error {
	return v.emit(event{Type: "commit", Commit: &c})
}

func (v *jsonView) Plan(_ context.Context, p job.PlanSummary) error {
	return v.emit(event{Type: "plan", Plan: &p})
}

func (v *jsonView) Confirm(_ context.Context, p job.Prompt) (job.Answer, error) {
	if err := v.emit(event{Type: "prompt", Prompt: &p}); err != nil {
		return job.Reject, err
	}
	return answerOf(v.asker.line()), nil
}

func (v *jsonView) HostKey(_ context.Context, k job.HostKey) error {
	return v.emit(event{Type: "host_key", HostKey: &k})
}

func (v *jsonView) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	_ = v.emit(event{Type: "note", Text: &text})
}

func (v *jsonView) end(result job.Result, _ error) {
	_ = v.emit(event{Type: "result", Result: &result})
}
