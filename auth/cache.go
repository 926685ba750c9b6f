package auth

import (
	"sync"
	"time"
)

const maxCached = 10_000

// cache keeps identities for a moment, by the hash of what proved them.
type cache struct {
	life time.Duration
	now  func() time.Time

	mu      sync.Mutex
	entries map[string]cached
	round   uint64 // counts forget: what was read before one is not kept after it
}

type cached struct {
	id    *Identity
	until time.Time
}

func newCache(life time.Duration, now func() time.Time) *cache {
	return &cache{life: life, now: now, entries: map[string]cached{}}
}

// get returns a copy of the identity, or nil and the round that put needs.
func (c *cache) get(key string) (*Identity, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if ok && c.now().Before(e.until) {
		return e.id.copied(), c.round
	}
	delete(c.entries, key)
	return nil, c.round
}

// put keeps an identity that was read since get, until its own end at most.
func (c *cache) put(key string, id *Identity, end time.Time, round uint64) {
	if c.life <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.round != round {
		return
	}
	if len(c.entries) >= maxCached {
		c.shrink()
	}
	until := c.now().Add(c.life)
	if !end.IsZero() && end.Before(until) {
		until = end
	}
	c.entries[key] = cached{id: id.copied(), until: until}
}

// shrink drops what is over, and everything if that is nothing.
func (c *cache) shrink() {
	now := c.now()
	for key, e := range c.entries {
		if !now.Before(e.until) {
			delete(c.entries, key)
		}
	}
	if len(c.entries) >= maxCached {
		clear(c.entries)
	}
}

func (c *cache) forget(user int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
	for key, e := range c.entries {
		if e.id.User.ID == user {
			delete(c.entries, key)
		}
	}
}

// Forget makes the next request of a user ask the store. Call it after changes
// of a user's row, once they are committed.
func (s *Service) Forget(userID int64) { s.cache.forget(userID) }
