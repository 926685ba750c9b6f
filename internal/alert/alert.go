// Package alert tells people about tasks: by e-mail, in chats, and to programs
// by a signed webhook.
package alert

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// atOnce bounds what is being told to somebody at the same time, per alert.
const atOnce = 8

// Alerter is a pool.Alerter over all channels that are enabled. It may be used
// from any goroutine, and keeps nothing open but idle connections of its client.
type Alerter struct {
	cfg      Config
	channels []channel
	words    words
	progress progress
}

var _ pool.Alerter = (*Alerter)(nil)

// New checks the configuration, templates included. It sends nothing.
func New(cfg Config) (*Alerter, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	w, err := parseWords(cfg.Templates)
	if err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	a := &Alerter{cfg: cfg, words: w}
	a.channels = a.enabled()
	return a, nil
}

// Alert tells every channel that wants to know. Projects switch alerts on.
//
// Chats and the webhook hear of success, error, confirmation that is awaited,
// an unreachable task and a late result. A template may mute success, unless the
// task has recovered: the one before had failed. By mail members and
// administrators who want alerts hear of error and unreachable tasks, in one
// message each.
//
// An error asks to be called again. Whoever was told before is not told twice
// then, as long as this process lives and at most 1000 other alerts wait to be
// repeated; a message whose acceptance was not heard of may come twice. What is
// refused for good (a status of 400 to 499 but 408 and 429, a rejected e-mail)
// is logged and counts as told.
func (a *Alerter) Alert(ctx context.Context, al pool.Alert) error {
	if !al.Project.Alert || len(a.channels) == 0 && !a.cfg.Email.Enabled {
		return nil
	}
	event := eventOf(al)
	if event == "" {
		return nil
	}
	f, err := a.gather(ctx, al, event)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	list, err := a.deliveries(ctx, f)
	if err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	return a.deliver(ctx, key{al.Task.ID, al.Kind, al.Status}, list)
}

// eventOf names what is told; "" for nothing.
func eventOf(al pool.Alert) string {
	switch {
	case al.Kind == store.OutboxUnreachable:
		return EventUnreachable
	case al.Kind == store.OutboxLate:
		return EventLate
	case al.Kind == store.OutboxConfirm:
		return EventConfirm
	case al.Kind == store.OutboxFinished && al.Status == store.Success:
		return EventSuccess
	case al.Kind == store.OutboxFinished && al.Status == store.Failed:
		return EventError
	}
	return ""
}

// delivery tells one party.
type delivery struct {
	name string // of the channel, with the user's id for e-mail
	send func(ctx context.Context) error
}

// deliveries lists who is to be told.
func (a *Alerter) deliveries(ctx context.Context, f facts) ([]delivery, error) {
	var list []delivery
	if f.event != EventSuccess || !f.template.SuppressSuccessAlerts {
		for _, ch := range a.channels {
			if ch.name == nameTelegram && a.chat(f.project) == "" {
				continue // the project names no chat, and there is no other
			}
			list = append(list, delivery{ch.name, func(ctx context.Context) error { return a.post(ctx, ch, f) }})
		}
	}
	if a.cfg.Email.Enabled && (f.event == EventError || f.event == EventUnreachable) {
		mails, err := a.mails(ctx, f)
		return append(list, mails...), err
	}
	return list, nil
}

// deliver tells all who were not told yet, and waits for them.
func (a *Alerter) deliver(ctx context.Context, k key, list []delivery) error {
	list = slices.DeleteFunc(list, func(d delivery) bool { return a.progress.has(k, d.name) })
	errs := a.all(ctx, list)
	for i, err := range errs {
		var final *refusal
		if errors.As(err, &final) {
			a.cfg.Log.Warn("alert refused", "task_id", k.task, "channel", list[i].name, "error", err)
			errs[i] = nil
		}
		if errs[i] == nil {
			a.progress.mark(k, list[i].name)
		}
	}
	err := errors.Join(errs...)
	if err == nil {
		a.progress.forget(k)
	}
	return err
}

// all makes deliveries, several at once, and returns an error or nil for each.
func (a *Alerter) all(ctx context.Context, list []delivery) []error {
	errs := make([]error, len(list))
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i, d := range list {
		slots <- struct{}{} // it comes free: each delivery has a time-out
		running.Go(func() {
			defer func() { <-slots }()
			errs[i] = a.try(ctx, d)
		})
	}
	running.Wait()
	return errs
}

// try makes one delivery.
func (a *Alerter) try(ctx context.Context, d delivery) (err error) {
	defer func() {
		if r := recover(); r != nil {
			a.cfg.Log.Error("alert panicked", "channel", d.name, "panic", r, "stack", string(debug.Stack()))
			err = &refusal{fmt.Errorf("%s: internal error", d.name)}
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	return d.send(ctx)
}

// refusal is an error that trying again does not mend.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

// Result tells how a test of one channel went.
type Result struct {
	Channel string // telegram, slack, rocketchat, microsoft_teams, dingtalk, gotify, webhook or email
	Err     error  // nil if it was told
}

// Test sends a notification of a task that does not exist to every channel that
// is enabled, e-mail included, whether or not the project has alerts switched on.
// Nothing is repeated.
func (a *Alerter) Test(ctx context.Context, project store.Project) []Result {
	f := a.sample(project)
	var list []delivery
	for _, ch := range a.channels {
		list = append(list, delivery{ch.name, func(ctx context.Context) error { return a.post(ctx, ch, f) }})
	}
	var broken error
	if a.cfg.Email.Enabled {
		mails, err := a.mails(ctx, f)
		if err == nil && len(mails) == 0 {
			err = errors.New("email: nobody to tell: no member has alerts switched on")
		}
		broken = err
		list = append(list, mails...)
	}
	errs := a.all(ctx, list)
	var results []Result
	for i, ch := range a.channels {
		results = append(results, Result{ch.name, errs[i]})
	}
	if a.cfg.Email.Enabled {
		results = append(results, Result{nameEmail, errors.Join(append(errs[len(a.channels):], broken)...)})
	}
	return results
}
