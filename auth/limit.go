package auth

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits of failed tries.
const (
	limitWindow  = 15 * time.Minute
	accountTries = 10
	networkTries = 50
	codeTries    = 5
	maxLimited   = 1 << 16 // keys that are remembered
	evictSample  = 32
)

// limiter counts failed tries by key. While as many tries are under way as
// could still fail, further ones wait for their results, so that trying in
// parallel gains nothing and nobody is refused for the tries of a moment.
type limiter struct {
	now func() time.Time

	mu   sync.Mutex
	keys map[string]*counter
}

type counter struct {
	failures []time.Time // oldest first
	running  int
	changed  chan struct{} // closed when a try ends, if somebody waits
}

// quota is how often something may fail.
type quota struct {
	key string
	max int
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, keys: map[string]*counter{}}
}

// network is what shares one count: a /24 or a /64.
func network(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 24
	}
	prefix, err := ip.Prefix(bits)
	if err != nil || !ip.IsValid() {
		return "unknown"
	}
	return prefix.String()
}

// begin waits until a try may start. The caller ends it with the returned
// function, once, telling whether it failed. Failures up to since do not count. It
// returns a *LimitError where all that may fail has failed.
func (l *limiter) begin(ctx context.Context, since time.Time, quotas ...quota) (end func(failed bool), err error) {
	for {
		wait, err := l.start(since, quotas)
		if err != nil {
			return nil, err
		}
		if wait == nil {
			return func(failed bool) { l.end(quotas, failed) }, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// start begins a try under all quotas, or tells what to wait for.
func (l *limiter) start(since time.Time, quotas []quota) (wait <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, q := range quotas {
		c := l.keys[q.key]
		if c == nil {
			continue
		}
		c.failures = recent(c.failures, now)
		counted := c.failures
		for len(counted) > 0 && !counted[0].After(since) {
			counted = counted[1:]
		}
		if len(counted) >= q.max {
			oldest := counted[len(counted)-q.max]
			return nil, &LimitError{RetryAfter: oldest.Add(limitWindow).Sub(now)}
		}
		if len(counted)+c.running >= q.max {
			if c.changed == nil {
				c.changed = make(chan struct{})
			}
			return c.changed, nil
		}
	}
	for _, q := range quotas {
		l.counter(q.key).running++
	}
	return nil, nil
}

func (l *limiter) end(quotas []quota, failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, q := range quotas {
		c := l.keys[q.key] // never evicted while a try is under way
		c.running--
		if failed {
			c.failures = append(recent(c.failures, now), now)
			c.failures = c.failures[max(0, len(c.failures)-2*q.max):]
		}
		if c.changed != nil {
			close(c.changed)
			c.changed = nil
		}
		if c.running == 0 && len(c.failures) == 0 {
			delete(l.keys, q.key)
		}
	}
}

// reset forgets the failures of a key.
func (l *limiter) reset(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.keys[key]; c != nil {
		c.failures = nil
		if c.running == 0 {
			delete(l.keys, key)
		}
	}
}

// counter returns the counter of a key, making room for it if need be.
func (l *limiter) counter(key string) *counter {
	c := l.keys[key]
	if c == nil {
		if len(l.keys) >= maxLimited {
			l.evict()
		}
		c = &counter{}
		l.keys[key] = c
	}
	return c
}

// evict drops, of some keys, the one whose last failure is longest ago.
func (l *limiter) evict() {
	var victim string
	var oldest time.Time
	seen := 0
	for key, c := range l.keys {
		if seen++; seen > evictSample {
			break
		}
		if c.running > 0 || len(c.failures) == 0 {
			continue
		}
		if last := c.failures[len(c.failures)-1]; victim == "" || last.Before(oldest) {
			victim, oldest = key, last
		}
	}
	delete(l.keys, victim)
}

func recent(failures []time.Time, now time.Time) []time.Time {
	i := slices.IndexFunc(failures, func(t time.Time) bool { return now.Sub(t) < limitWindow })
	if i < 0 {
		return nil
	}
	return failures[i:]
}
