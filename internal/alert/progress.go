package alert

import (
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

const mostProgress = 1000

// key names an alert across its repetitions. Two late results of one task have
// the same one; while the first is being repeated, the second shares its
// progress.
type key struct {
	task   int64
	kind   store.OutboxKind
	status store.Status
}

// progress remembers who has been told of alerts that have to be repeated, so
// that a channel which fails does not make the others repeat themselves. It is
// in memory and bounded: after a restart, or when more than mostProgress alerts
// are failing, the oldest are told to everybody again. The zero value is usable.
type progress struct {
	mu    sync.Mutex
	told  map[key]map[string]bool
	order []key // oldest first
}

func (p *progress) has(k key, name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told[k][name]
}

func (p *progress) mark(k key, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told = map[key]map[string]bool{}
	}
	if p.told[k] == nil {
		if len(p.order) == mostProgress {
			delete(p.told, p.order[0])
			p.order = p.order[1:]
		}
		p.told[k] = map[string]bool{}
		p.order = append(p.order, k)
	}
	p.told[k][name] = true
}

func (p *progress) forget(k key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told[k] == nil {
		return
	}
	delete(p.told, k)
	for i, other := range p.order {
		if other == k {
			p.order = append(p.order[:i:i], p.order[i+1:]...)
			return
		}
	}
}
