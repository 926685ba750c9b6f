package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/alexandervashurin/semaphore/store"
)

// Limits of the replies that are kept.
const (
	cacheEntries = 512
	cacheBytes   = 16 << 20
	cacheQuery   = 200 // longer queries are not repeated
)

// replies keeps what was answered to the reads that people's pages repeat all
// day, until anything in the store changes. Who asks and what they may is looked
// at anew each time; what they may is part of what a reply is kept under.
type replies struct {
	version func(ctx context.Context) (uint64, bool)

	mu    sync.Mutex
	of    uint64 // version of the store
	kept  map[string]kept
	bytes int
}

// kept is one reply.
type kept struct {
	body []byte
	next string // header X-Next-Cursor
	link string // header Link
}

// newReplies keeps nothing for a store that cannot tell whether it has changed.
// One that wraps another is such a store: what it adds has no version.
func newReplies(st store.Store) *replies {
	r := &replies{kept: map[string]kept{}}
	if v, ok := st.(store.Versioned); ok {
		r.version = v.Version
	}
	return r
}

// serve answers from what is kept, or keeps what handle answers.
func (r *replies) serve(c *call, handle func(*call) error) error {
	if r.version == nil || len(c.r.URL.RawQuery) > cacheQuery {
		return handle(c)
	}
	version, ok := r.version(c.ctx()) // before anything is read
	if !ok {
		return handle(c)
	}
	key := fmt.Sprintf("%s?%s %s %d %t", c.r.URL.Path, c.r.URL.RawQuery, c.access.Role, c.access.Bits, c.user.Admin)
	if k, ok := r.get(version, key); ok {
		if k.next != "" {
			c.w.Header().Set("X-Next-Cursor", k.next)
			c.w.Header().Set("Link", k.link)
		}
		return c.raw(http.StatusOK, k.body)
	}
	c.keep = func(body []byte) {
		r.put(version, key, kept{body, c.w.Header().Get("X-Next-Cursor"), c.w.Header().Get("Link")})
	}
	return handle(c)
}

func (r *replies) get(version uint64, key string) (kept, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of != version {
		return kept{}, false
	}
	k, ok := r.kept[key]
	return k, ok
}

func (r *replies) put(version uint64, key string, k kept) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of != version || len(r.kept) >= cacheEntries || r.bytes+len(k.body) > cacheBytes {
		r.of, r.kept, r.bytes = version, map[string]kept{}, 0
	}
	if len(k.body) > cacheBytes {
		return
	}
	r.kept[key] = k
	r.bytes += len(k.body)
}
