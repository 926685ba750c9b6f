package hook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Limits of an entry of the log.
const (
	keptBody    = 64 << 10
	keptHeaders = 64
	keptValue   = 1024
)

// ErrCut tells that the body of a delivery was not kept whole.
var ErrCut = errors.New("the body of this delivery was not kept: let the sender send it again")

// Entry is a delivery in the log of a project.
type Entry struct {
	ID           int64       `json:"id"`
	ProjectID    int64       `json:"project_id"`
	Time         time.Time   `json:"time"`
	Alias        string      `json:"alias"`
	Integrations []int64     `json:"integrations"` // that the sender has proven itself to
	Tasks        []int64     `json:"tasks"`        // that were started, or had been by the first of its repeats
	DeliveryID   string      `json:"delivery_id"`
	Repeat       bool        `json:"repeat"`
	Failed       bool        `json:"failed"` // the server could not do its work
	Outcome      string      `json:"outcome"`
	Status       int         `json:"status"`
	Method       string      `json:"method"`
	Header       http.Header `json:"header"`    // without what may be a secret
	Body         []byte      `json:"body"`      // the first 64 KiB; nothing from senders that were not let in
	BodySize     int         `json:"body_size"` // as it came

	// AuthHeaders are the headers that the integrations read secrets from. They
	// are not kept.
	AuthHeaders []string `json:"-"`
}

// Request returns the delivery as it came, for a replay: without the headers
// that prove who sent it or name the delivery, so that it is no repeat. A body
// that was not kept whole is ErrCut.
func (e Entry) Request() (Request, error) {
	if len(e.Body) != e.BodySize {
		return Request{}, ErrCut
	}
	header := e.Header.Clone()
	for _, name := range deliveryHeaders {
		header.Del(name)
	}
	return Request{Method: e.Method, Header: header, Body: slices.Clone(e.Body)}, nil
}

// fill takes over what is kept of a request.
func (e *Entry) fill(r Request, now time.Time) {
	e.Time, e.Method, e.BodySize, e.DeliveryID = now, r.Method, len(r.Body), DeliveryID(r)
	e.Header = safeHeader(r.Header, e.AuthHeaders)
	e.AuthHeaders = nil
	e.Integrations = slices.Clone(e.Integrations)
	e.Body = nil
	if len(e.Integrations) > 0 {
		e.Body = slices.Clone(r.Body[:min(len(r.Body), keptBody)])
	}
}

// key names the delivery: address, integrations and id. Its size is fixed,
// whatever a sender makes up.
func (e *Entry) key() [sha256.Size]byte {
	ids := slices.Clone(e.Integrations)
	slices.Sort(ids)
	return sha256.Sum256(fmt.Appendf(nil, "%q %v %q", e.Alias, slices.Compact(ids), e.DeliveryID))
}

// secretParts are what names of headers that hold secrets contain.
var secretParts = []string{"auth", "cookie", "token", "secret", "signature", "password", "credential", "api-key", "apikey", "session"}

// safeHeader copies headers but for those that may hold a secret.
func safeHeader(h http.Header, secret []string) http.Header {
	kept := http.Header{}
	for name, values := range h {
		lower := strings.ToLower(name)
		if len(kept) >= keptHeaders || len(name) > maxName ||
			slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(lower, part) }) ||
			slices.ContainsFunc(secret, func(s string) bool { return strings.EqualFold(s, name) }) {
			continue
		}
		for _, value := range values[:min(len(values), 4)] {
			kept[name] = append(kept[name], strings.ToValidUTF8(value[:min(len(value), keptValue)], "\uFFFD"))
		}
	}
	return kept
}

// Journal keeps the log of deliveries. It is safe for concurrent use, bounded
// by itself, and neither side changes what the other has given.
type Journal interface {
	// Add stores an entry and returns it with its id.
	Add(ctx context.Context, e Entry) (Entry, error)
	// List returns entries of a project, newest first, limit at most, without
	// headers and bodies.
	List(ctx context.Context, project int64, limit int) ([]Entry, error)
	// Get returns a whole entry, or store.ErrNotFound.
	Get(ctx context.Context, project, id int64) (Entry, error)
}

// MemoryJournalConfig configures a MemoryJournal.
type MemoryJournalConfig struct {
	PerProject int // entries kept of each project, those refused apart. Defaults to 200.
	Bytes      int // of all bodies and headers; the oldest are dropped first. Defaults to 32 MiB.
}

// MemoryJournal is a Journal in the memory of the process.
type MemoryJournal struct {
	cfg MemoryJournalConfig

	mu      sync.Mutex
	last    int64
	size    int
	entries []Entry // oldest first
	count   map[bucket]int
}

// bucket tells apart what crowds each other out: a stranger who is refused
// again and again must not drop what others have sent.
type bucket struct {
	project int64
	refused bool
}

func bucketOf(e Entry) bucket { return bucket{e.ProjectID, len(e.Integrations) == 0} }

// NewMemoryJournal returns an empty journal.
func NewMemoryJournal(cfg MemoryJournalConfig) *MemoryJournal {
	if cfg.PerProject <= 0 {
		cfg.PerProject = 200
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 32 << 20
	}
	return &MemoryJournal{cfg: cfg, count: map[bucket]int{}}
}

// Add implements Journal. It does not fail.
func (j *MemoryJournal) Add(_ context.Context, e Entry) (Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	e.ID = j.last
	e = e.clone()
	b := bucketOf(e)
	if j.count[b] >= j.cfg.PerProject {
		j.drop(slices.IndexFunc(j.entries, func(old Entry) bool { return bucketOf(old) == b }))
	}
	j.entries = append(j.entries, e)
	j.count[b]++
	j.size += e.size()
	for j.size > j.cfg.Bytes && len(j.entries) > 1 {
		j.drop(0)
	}
	return e.clone(), nil
}

// drop forgets an entry. The caller holds the lock.
func (j *MemoryJournal) drop(i int) {
	old := j.entries[i]
	j.size -= old.size()
	if b := bucketOf(old); j.count[b] > 1 {
		j.count[b]--
	} else {
		delete(j.count, b)
	}
	j.entries = slices.Delete(j.entries, i, i+1)
}

// List implements Journal.
func (j *MemoryJournal) List(_ context.Context, project int64, limit int) ([]Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := []Entry{}
	for _, e := range slices.Backward(j.entries) {
		if len(list) >= limit {
			break
		}
		if e.ProjectID == project {
			e.Header, e.Body = nil, nil
			list = append(list, e.clone())
		}
	}
	return list, nil
}

// Get implements Journal.
func (j *MemoryJournal) Get(_ context.Context, project, id int64) (Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if e.ID == id && e.ProjectID == project {
			return e.clone(), nil
		}
	}
	return Entry{}, fmt.Errorf("delivery %d: %w", id, store.ErrNotFound)
}

func (e Entry) clone() Entry {
	e.Header, e.Body = e.Header.Clone(), slices.Clone(e.Body)
	e.Integrations, e.Tasks = slices.Clone(e.Integrations), slices.Clone(e.Tasks)
	return e
}

// size is about what an entry takes.
func (e Entry) size() int {
	n := 256 + len(e.Body) + len(e.Outcome) + len(e.Alias) + len(e.DeliveryID)
	for name, values := range e.Header {
		n += len(name)
		for _, value := range values {
			n += len(value) + 32
		}
	}
	return n
}
