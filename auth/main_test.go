package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "correct horse"

// clock is a clock that stands still until it is told to go on.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a service on a store, with one account, alice.
type world struct {
	*auth.Service
	st     *counting
	clock  *clock
	ring   *crypto.Ring
	alice  store.User
	client auth.Client
}

// counting counts what asks the store.
type counting struct {
	store.Store
	mu     sync.Mutex
	reads  int
	writes int
}

func (c *counting) Users() store.UserStore {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	return c.Store.Users()
}

func (c *counting) InTx(ctx context.Context, f func(ctx context.Context, tx store.Store) error) error {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Store.InTx(ctx, f)
}

func (c *counting) Unwrap() store.Store { return c.Store }

func (c *counting) count() (reads, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads, c.writes
}

// stores are those that what touches the store is tested on.
var stores = map[string]func(t *testing.T) store.Store{
	"memory": func(*testing.T) store.Store { return memory.New(memory.Config{}) },
	"sqlite": func(t *testing.T) store.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "semaphore.db"), sqlite.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	},
}

// onStores runs a test on each store.
func onStores(t *testing.T, cfg auth.Config, f func(t *testing.T, w *world)) {
	t.Helper()
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, setupOn(t, open(t), cfg))
		})
	}
}

func setup(t *testing.T, cfg auth.Config) *world {
	t.Helper()
	return setupOn(t, memory.New(memory.Config{}), cfg)
}

func setupOn(t *testing.T, st store.Store, cfg auth.Config) *world {
	t.Helper()
	w := &world{st: &counting{Store: st}, clock: &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, client: from("192.0.2.10")}
	if cfg.Ring == nil {
		ring, err := crypto.NewRing(crypto.GenerateKey())
		require.NoError(t, err)
		cfg.Ring = ring
	}
	if cfg.BcryptCost == 0 {
		cfg.BcryptCost = 4
	}
	cfg.Now = w.clock.now
	w.ring = cfg.Ring
	var err error
	w.Service, err = auth.New(w.st, cfg)
	require.NoError(t, err)
	w.alice = w.user(t, store.User{Username: "alice", Email: "alice@example.com"})
	return w
}

// another is a second process on the same store.
func (w *world) another(t *testing.T, cfg auth.Config) *auth.Service {
	t.Helper()
	cfg.Ring, cfg.Now, cfg.BcryptCost = w.ring, w.clock.now, 4
	s, err := auth.New(w.st, cfg)
	require.NoError(t, err)
	return s
}

// user makes an account; a local one gets the password.
func (w *world) user(t *testing.T, u store.User) store.User {
	t.Helper()
	if u.Name == "" {
		u.Name = u.Username
	}
	if !u.External {
		hash, err := w.HashPassword(password)
		require.NoError(t, err)
		u.Password = hash
	}
	row, err := w.st.Users().Create(t.Context(), u)
	require.NoError(t, err)
	return row
}

func (w *world) signIn(t *testing.T) auth.SignedIn {
	t.Helper()
	in, err := w.SignIn(t.Context(), w.client, "alice", password)
	require.NoError(t, err)
	return in
}

func from(ip string) auth.Client {
	return auth.Client{IP: netip.MustParseAddr(ip), UserAgent: "test"}
}

func withCookie(value string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", auth.CookieName+"="+value)
	return r
}

func withHeader(value string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", value)
	return r
}

func withBearer(token string) *http.Request { return withHeader("Bearer " + token) }

// authenticated asks for the identity of a cookie.
func authenticated(t *testing.T, s *auth.Service, r *http.Request) (*auth.Identity, error) {
	t.Helper()
	return s.Authenticate(t.Context(), r)
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }
