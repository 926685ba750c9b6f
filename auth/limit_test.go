package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// fail lets n tries fail.
func (w *world) fail(t *testing.T, n int, c auth.Client, login string) {
	t.Helper()
	for range n {
		_, err := w.SignIn(t.Context(), c, login, "wrong")
		require.ErrorIs(t, err, auth.ErrCredentials)
	}
}

func limited(t *testing.T, err error) *auth.LimitError {
	t.Helper()
	var limit *auth.LimitError
	require.ErrorAs(t, err, &limit)
	require.Positive(t, limit.RetryAfter)
	require.LessOrEqual(t, limit.RetryAfter, 15*time.Minute)
	return limit
}

func TestTenFailedTriesRefuseTheAccountFromThatNetworkOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, ip, same, other string }{
		{"IPv4", "192.0.2.10", "192.0.2.200", "192.0.3.10"},
		{"IPv6", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"},
		{"IPv4 inside IPv6", "::ffff:192.0.2.10", "192.0.2.11", "::ffff:192.0.3.10"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, auth.Config{})
			w.user(t, store.User{Username: "bob", Email: "bob@example.com"})
			w.fail(t, 5, from(test.ip), "alice")
			w.fail(t, 5, from(test.same), "alice@example.com")
			_, err := w.SignIn(t.Context(), from(test.same), "ALICE", password)
			require.Equal(t, 15*time.Minute, limited(t, err).RetryAfter, "the right password is refused too")
			_, err = w.SignIn(t.Context(), from(test.same), "bob", password)
			require.NoError(t, err, "another account")
			_, err = w.SignIn(t.Context(), from(test.other), "alice", password)
			require.NoError(t, err, "another network")
		})
	}
}

func TestLoginsThatDoNotExistAreLimitedLikeThoseThatDo(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	for _, login := range []string{"nobody", repeat("n", 300)} {
		w.fail(t, 10, w.client, login)
		_, err := w.SignIn(t.Context(), w.client, login, password)
		limited(t, err)
	}
}

func TestFailedTriesAreForgottenAfterFifteenMinutesOrASuccess(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	w.fail(t, 5, w.client, "alice")
	w.clock.add(10 * time.Minute)
	w.fail(t, 5, w.client, "alice")
	_, err := w.SignIn(t.Context(), w.client, "alice", password)
	require.Equal(t, 5*time.Minute, limited(t, err).RetryAfter)
	require.Equal(t, 300, limited(t, err).Seconds())
	w.clock.add(5 * time.Minute)
	w.fail(t, 4, w.client, "alice")
	w.signIn(t)
	w.fail(t, 10, w.client, "alice")
}

func TestFiftyFailedTriesRefuseTheNetwork(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	for i := range 50 {
		w.fail(t, 1, w.client, "user"+strconv.Itoa(i))
	}
	_, err := w.SignIn(t.Context(), from("192.0.2.99"), "alice", password)
	limited(t, err)
	_, err = w.SignIn(t.Context(), from("192.0.3.99"), "alice", password)
	require.NoError(t, err)
	_, err = w.SignIn(t.Context(), auth.Client{}, "alice", password)
	require.NoError(t, err, "without an address")
}

// TestTryingInParallelGainsNothing has many tries at once: as many fail as may,
// and those that are right are all let in.
func TestTryingInParallelGainsNothing(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		count := func(n int, password string) (failed, refused, fine int) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					_, err := w.SignIn(t.Context(), w.client, "alice", password)
					mu.Lock()
					defer mu.Unlock()
					var limit *auth.LimitError
					switch {
					case errors.Is(err, auth.ErrCredentials):
						failed++
					case errors.As(err, &limit):
						refused++
					default:
						assert.NoError(t, err)
						fine++
					}
				})
			}
			wg.Wait()
			return failed, refused, fine
		}
		_, _, fine := count(40, password)
		require.Equal(t, 40, fine)
		failed, refused, _ := count(40, "wrong")
		require.Equal(t, []int{10, 30}, []int{failed, refused})
	})
}

func TestWhoWaitsForOtherTriesStopsWaitingWithTheRequest(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	w := setup(t, auth.Config{Directory: directory(func(context.Context, string, string) (*auth.External, error) {
		entered <- struct{}{}
		<-leave
		return nil, nil
	})})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { _, _ = w.SignIn(t.Context(), w.client, "alice", password) })
	}
	for range 10 {
		<-entered
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the client is gone"))
	_, err := w.SignIn(context.WithoutCancel(ctx), from("198.51.100.1"), "nobody", "")
	require.ErrorIs(t, err, auth.ErrCredentials, "others do not wait")
	gone, stop := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("the client is gone"))
	defer stop()
	_, err = w.SignIn(gone, w.client, "alice", password)
	require.ErrorContains(t, err, "the client is gone")
	close(leave)
	wg.Wait()
}

func TestAnAdministratorUnlocksAnAccount(t *testing.T) {
	t.Parallel()
	for _, login := range []string{"alice", "Alice@Example.com"} {
		t.Run(login, func(t *testing.T) {
			t.Parallel()
			onStores(t, auth.Config{}, func(t *testing.T, w *world) {
				w.user(t, store.User{Username: "bob", Email: "bob@example.com"})
				w.fail(t, 10, w.client, "alice")
				w.fail(t, 10, w.client, "bob")
				unlock := func() {
					w.clock.add(time.Second)
					now := strconv.FormatInt(w.clock.now().Unix(), 10)
					require.NoError(t, w.st.Options().Set(t.Context(), auth.UnlockOption(login), now))
				}
				unlock()
				_, err := w.SignIn(t.Context(), w.client, "bob", password)
				limited(t, err)
				w.clock.add(time.Second)
				w.fail(t, 10, w.client, "alice")
				_, err = w.SignIn(t.Context(), w.client, "alice", password)
				limited(t, err)
				unlock()
				w.signIn(t)
			})
		})
	}
}

func TestAnUnlockOptionThatIsNoTimeUnlocksNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	w.fail(t, 10, w.client, "alice")
	for _, value := range []string{"soon", "0", "-5", "99999999999999999999999"} {
		require.NoError(t, w.st.Options().Set(t.Context(), auth.UnlockOption("alice"), value))
		_, err := w.SignIn(t.Context(), w.client, "alice", password)
		limited(t, err)
	}
}

// TestAFloodOfNetworksIsForgottenNotRemembered fills the memory of failed tries:
// it stays bounded, and those that failed last still count.
func TestAFloodOfNetworksIsForgottenNotRemembered(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	c := &clock{at: time.Unix(1_000_000, 0)}
	l := auth.NewLimiter(c.now)
	end, err := l.Begin(t.Context(), "under way", 2)
	require.NoError(t, err)
	end(true)
	underWay, err := l.Begin(t.Context(), "under way", 2)
	require.NoError(t, err)
	c.add(time.Minute)
	for i := range auth.MaxLimited + 10_000 {
		end, err := l.Begin(t.Context(), strconv.Itoa(i), 1)
		require.NoError(t, err)
		end(true)
	}
	require.Equal(t, auth.MaxLimited, l.Len())
	underWay(true)
	_, err = l.Begin(t.Context(), "under way", 2)
	limited(t, err)
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.10":         "192.0.2.0/24",
		"::ffff:192.0.2.10":  "192.0.2.0/24",
		"2001:db8:1:2:3::4":  "2001:db8:1:2::/64",
		"fe80::1%eth0":       "fe80::/64",
		"fe80::2%another":    "fe80::/64",
		"::1":                "::/64",
		"255.255.255.255":    "255.255.255.0/24",
		"::ffff:10.1.2.3%en": "10.1.2.0/24",
	} {
		require.Equal(t, want, auth.Network(netip.MustParseAddr(ip)), ip)
	}
	require.Equal(t, "unknown", auth.Network(netip.Addr{}))
}
