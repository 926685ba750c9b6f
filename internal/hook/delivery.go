package hook

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// deliveryHeaders name a delivery, the first one that is there counting. A
// sender that tries again sends the same value. GitLab's Idempotency-Key stands
// before its event id, which one event shares with others that it causes.
// Bitbucket's X-Hook-UUID is not among them: it names the subscription and is
// the same for every delivery.
var deliveryHeaders = []string{
	"X-GitHub-Delivery",
	"Idempotency-Key",
	"X-Gitlab-Event-UUID",
	"X-Gitea-Delivery",
	"X-Gogs-Delivery",
	"X-Request-UUID",
	"Webhook-Id",
}

// DeliveryID returns what names a delivery, header and value, or "" where the
// sender names none.
func DeliveryID(r Request) string {
	for _, name := range deliveryHeaders {
		if value := r.Header.Get(name); value != "" {
			return name + ": " + value
		}
	}
	return ""
}

// Answer is what the sender is told.
type Answer struct {
	Status int
	Header http.Header // X-Semaphore-Task-ID and its like
	Tasks  []int64     // that were started
	// Outcome is one line for the log of deliveries: what happened and, if it went
	// wrong, what to do. It holds no secret.
	Outcome string
}

// DeliveriesConfig configures Deliveries.
type DeliveriesConfig struct {
	Remember time.Duration    // how long a delivery is known. Defaults to 24 h.
	Max      int              // deliveries known at once; the oldest are forgotten first. Defaults to 20,000.
	Journal  Journal          // keeps the log. Defaults to NewMemoryJournal(MemoryJournalConfig{}).
	Now      func() time.Time // Defaults to time.Now.
}

// Deliveries remembers which deliveries started tasks, and answers a repeat of
// one with its first answer. What it knows is lost with the process. It starts
// no goroutine and is safe for concurrent use.
type Deliveries struct {
	cfg DeliveriesConfig

	mu    sync.Mutex
	known map[[sha256.Size]byte]*delivery
	order []*delivery // those that are done, oldest first
}

// delivery is one that is being worked on or was answered.
type delivery struct {
	key    [sha256.Size]byte
	done   chan struct{} // closed when answer is final, or the work has failed
	kept   bool
	at     time.Time
	answer Answer
}

// NewDeliveries returns Deliveries that know of none.
func NewDeliveries(cfg DeliveriesConfig) *Deliveries {
	if cfg.Remember <= 0 {
		cfg.Remember = 24 * time.Hour
	}
	if cfg.Max <= 0 {
		cfg.Max = 20_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Journal == nil {
		cfg.Journal = NewMemoryJournal(MemoryJournalConfig{})
	}
	return &Deliveries{cfg: cfg, known: map[[sha256.Size]byte]*delivery{}}
}

// Journal is the log of deliveries.
func (d *Deliveries) Journal() Journal { return d.cfg.Journal }

// Do calls work for a delivery, unless one of the same id, to the same address
// and integrations, has started tasks before: then it returns that answer, and
// work is not called. Of several at the same time one works and the others wait
// for its answer, or the end of ctx. An answer that started nothing is not
// remembered, so that the sender may try again once the reason is mended.
//
// The entry says where the request went: ProjectID, Alias, Integrations and
// AuthHeaders; the rest is filled in and put into the journal, whatever
// happens. Integrations have to be those that the sender has proven itself to,
// and nobody else's: whoever is not let in learns nothing of earlier answers,
// and cannot spoil somebody else's delivery by guessing its id. With no
// integration nothing is remembered, and no body is kept.
//
// The error is that of work, ctx or the journal; with the latter the answer is
// valid.
func (d *Deliveries) Do(ctx context.Context, e Entry, r Request, work func(context.Context) (Answer, error)) (Answer, error) {
	e.fill(r, d.cfg.Now())
	answer, repeat, err := d.answer(ctx, e, work)
	e.Status, e.Outcome, e.Tasks, e.Repeat = answer.Status, answer.Outcome, slices.Clone(answer.Tasks), repeat
	if err != nil {
		e.Failed = true
	}
	// The log is written even where the sender has hung up.
	if _, logErr := d.cfg.Journal.Add(context.WithoutCancel(ctx), e); logErr != nil && err == nil {
		err = fmt.Errorf("write log of deliveries: %w", logErr)
	}
	return answer, err
}

// answer finds the answer of a delivery, or makes it.
func (d *Deliveries) answer(ctx context.Context, e Entry, work func(context.Context) (Answer, error)) (Answer, bool, error) {
	if e.DeliveryID == "" || len(e.Integrations) == 0 {
		answer, err := work(ctx)
		return answer, false, err
	}
	key := e.key()
	for {
		own, other := d.begin(key)
		if own != nil {
			answer, err := d.work(ctx, own, work)
			return answer, false, err
		}
		select {
		case <-other.done:
			if other.kept {
				return other.answer.clone(), true, nil
			}
		case <-ctx.Done():
			return Answer{}, false, context.Cause(ctx)
		}
	}
}

// begin registers a delivery as the caller's own, or returns the one that is
// there.
func (d *Deliveries) begin(key [sha256.Size]byte) (own, other *delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
	if known := d.known[key]; known != nil {
		return nil, known
	}
	own = &delivery{key: key, done: make(chan struct{})}
	d.known[key] = own
	return own, nil
}

// work makes the answer of an own delivery, and lets those that wait go on even
// if work panics.
func (d *Deliveries) work(ctx context.Context, own *delivery, work func(context.Context) (Answer, error)) (answer Answer, err error) {
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if len(answer.Tasks) > 0 {
			own.kept, own.at, own.answer = true, d.cfg.Now(), answer.clone()
			d.order = append(d.order, own)
			d.forget()
		} else {
			delete(d.known, own.key)
		}
		close(own.done)
	}()
	return work(ctx)
}

// forget drops what is too old or too much. The caller holds the lock.
func (d *Deliveries) forget() {
	limit := d.cfg.Now().Add(-d.cfg.Remember)
	n := 0
	for n < len(d.order) && (len(d.order)-n > d.cfg.Max || d.order[n].at.Before(limit)) {
		delete(d.known, d.order[n].key)
		n++
	}
	d.order = slices.Delete(d.order, 0, n)
}

// clone returns an answer that the caller may change.
func (a Answer) clone() Answer {
	a.Header, a.Tasks = a.Header.Clone(), slices.Clone(a.Tasks)
	return a
}
