package auth

import (
	"context"
	"time"
)

// MaxLimited is how many keys a limiter remembers.
const MaxLimited = maxLimited

// Network is what shares one count of failed tries.
var Network = network

// Limiter shows the limiter to tests.
type Limiter struct{ l *limiter }

// NewLimiter makes one.
func NewLimiter(now func() time.Time) *Limiter { return &Limiter{newLimiter(now)} }

// Begin starts a try under one quota.
func (l *Limiter) Begin(ctx context.Context, key string, most int) (func(bool), error) {
	return l.l.begin(ctx, time.Time{}, quota{key: key, max: most})
}

// Len tells how many keys are remembered.
func (l *Limiter) Len() int { return len(l.l.keys) }

// Cache shows the cache to tests.
type Cache struct{ c *cache }

// NewCache makes one.
func NewCache(life time.Duration, now func() time.Time) *Cache { return &Cache{newCache(life, now)} }

// Get and the others are those of the cache.
func (c *Cache) Get(key string) (*Identity, uint64) { return c.c.get(key) }

// Put keeps an identity.
func (c *Cache) Put(key string, id *Identity, end time.Time, round uint64) {
	c.c.put(key, id, end, round)
}

// Forget drops those of a user.
func (c *Cache) Forget(user int64) { c.c.forget(user) }

// MaxCached is how many identities are kept.
const MaxCached = maxCached

// Len tells how many are kept.
func (c *Cache) Len() int { return len(c.c.entries) }

// Parsers of what comes from outside.
var (
	Bearer      = bearer
	ParseCookie = parseCookie
	AcceptCode  = acceptCode
)
