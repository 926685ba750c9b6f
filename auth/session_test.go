package auth_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

const day = 24 * time.Hour

func TestASessionEndsWhenItIsIdleOrOld(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		in := w.signIn(t)
		for range 4 {
			w.clock.add(7*day - time.Second)
			_, err := authenticated(t, w.Service, withCookie(in.Cookie))
			require.NoError(t, err, "it is used")
		}
		w.clock.add(2*day + 10*time.Second)
		_, err := authenticated(t, w.Service, withCookie(in.Cookie))
		require.ErrorIs(t, err, auth.ErrUnauthenticated, "after 30 days")

		idle := w.signIn(t)
		w.clock.add(7 * day)
		_, err = authenticated(t, w.Service, withCookie(idle.Cookie))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		list, err := w.Sessions(t.Context(), w.alice.ID)
		require.NoError(t, err)
		require.Empty(t, list)

		w.signIn(t)
		n, err := w.st.Users().Sessions().Count(t.Context(), w.alice.ID, store.Query{})
		require.NoError(t, err)
		require.Equal(t, 1, n, "those that are over are removed")
	})
}

func TestACachedIdentityEndsWithItsSession(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{SessionMax: time.Hour, CacheFor: time.Minute})
	in := w.signIn(t)
	w.clock.add(time.Hour - time.Second)
	_, err := authenticated(t, w.Service, withCookie(in.Cookie))
	require.NoError(t, err)
	w.clock.add(time.Second)
	_, err = authenticated(t, w.Service, withCookie(in.Cookie))
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
}

func TestACachedIdentityAsksTheStoreForNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{CacheFor: 5 * time.Second})
	in := w.signIn(t)
	token, _, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{})
	require.NoError(t, err)
	pair, err := w.IssueJWT(t.Context(), w.client, in.Identity())
	require.NoError(t, err)
	for name, r := range map[string]*http.Request{"cookie": withCookie(in.Cookie), "token": withBearer(token), "jwt": withBearer(pair.AccessToken)} {
		_, err = authenticated(t, w.Service, r)
		require.NoError(t, err, name)
		reads, writes := w.st.count()
		for range 10 {
			id, err := authenticated(t, w.Service, r)
			require.NoError(t, err, name)
			id.User.Admin, id.Scopes = true, []string{"changed"} // the caller's own
			if id.Session != nil {
				id.Session.Verified = false
			}
		}
		id, err := authenticated(t, w.Service, r)
		require.NoError(t, err, name)
		require.False(t, id.User.Admin)
		require.Empty(t, id.Scopes)
		again, _ := w.st.count()
		require.Equal(t, reads, again, name)
		w.clock.add(5 * time.Second)
		_, err = authenticated(t, w.Service, r)
		require.NoError(t, err, name)
		more, wrote := w.st.count()
		require.Greater(t, more, reads, name)
		require.Equal(t, writes, wrote, "%s: a read writes nothing", name)
	}
}

func TestTheUseOfASessionIsNotedOnceAnHour(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{CacheFor: -1}, func(t *testing.T, w *world) {
		in := w.signIn(t)
		start := in.Session.LastActive
		_, before := w.st.count()
		for range 59 {
			w.clock.add(time.Minute)
			_, err := authenticated(t, w.Service, withCookie(in.Cookie))
			require.NoError(t, err)
		}
		_, after := w.st.count()
		require.Equal(t, before, after)
		for range 10 {
			w.clock.add(time.Minute)
			id, err := authenticated(t, w.Service, withCookie(in.Cookie))
			require.NoError(t, err)
			require.Equal(t, start.Add(time.Hour), id.Session.LastActive)
		}
		_, after = w.st.count()
		require.Equal(t, before+1, after)
	})
}

func TestARevocationWorksAtOnceHereAndSoonElsewhere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		revoke func(t *testing.T, w *world, in auth.SignedIn)
	}{
		{"sign out", func(t *testing.T, w *world, in auth.SignedIn) {
			require.NoError(t, w.SignOut(t.Context(), in.Identity()))
			require.NoError(t, w.SignOut(t.Context(), in.Identity()), "twice")
		}},
		{"end one session", func(t *testing.T, w *world, in auth.SignedIn) {
			require.ErrorIs(t, w.EndSession(t.Context(), in.User.ID+1, in.Session.ID), store.ErrNotFound, "somebody else's")
			require.NoError(t, w.EndSession(t.Context(), in.User.ID, in.Session.ID))
		}},
		{"end all sessions", func(t *testing.T, w *world, in auth.SignedIn) {
			require.NoError(t, w.EndSessions(t.Context(), in.User.ID, 0))
		}},
		{"a new password", func(t *testing.T, w *world, in auth.SignedIn) {
			require.NoError(t, w.SetPassword(t.Context(), nil, in.User.ID, "another"))
		}},
		{"no account any more", func(t *testing.T, w *world, in auth.SignedIn) {
			require.NoError(t, w.st.Users().Delete(t.Context(), 0, in.User.ID))
			w.Forget(in.User.ID)
		}},
		{"marked as expired", func(t *testing.T, w *world, in auth.SignedIn) {
			row := in.Session
			row.Expired = true
			require.NoError(t, w.st.Users().Sessions().Update(t.Context(), row))
			w.Forget(in.User.ID)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			onStores(t, auth.Config{}, func(t *testing.T, w *world) {
				elsewhere := w.another(t, auth.Config{})
				in := w.signIn(t)
				for _, s := range []*auth.Service{w.Service, elsewhere} {
					_, err := authenticated(t, s, withCookie(in.Cookie))
					require.NoError(t, err)
				}
				test.revoke(t, w, in)
				_, err := authenticated(t, w.Service, withCookie(in.Cookie))
				require.ErrorIs(t, err, auth.ErrUnauthenticated)
				w.clock.add(2 * time.Second)
				_, err = authenticated(t, elsewhere, withCookie(in.Cookie))
				require.ErrorIs(t, err, auth.ErrUnauthenticated)
			})
		})
	}
}

func TestWhatWasReadBeforeARevocationIsNotKeptAfterIt(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_000_000, 0)
	c := auth.NewCache(time.Minute, func() time.Time { return at })
	id := &auth.Identity{User: store.User{ID: 7}}
	_, round := c.Get("key")
	c.Forget(7)
	c.Put("key", id, time.Time{}, round)
	found, round := c.Get("key")
	require.Nil(t, found)
	c.Put("key", id, time.Time{}, round)
	found, _ = c.Get("key")
	require.NotNil(t, found)
	for i := range auth.MaxCached + 10 {
		c.Put(strconv.Itoa(i), id, time.Time{}, round)
	}
	require.LessOrEqual(t, c.Len(), auth.MaxCached)
}

func TestANewPasswordEndsAllSessionsButTheOneThatAsks(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		bob := w.user(t, store.User{Username: "bob", Email: "bob@example.com"})
		bobs, err := w.SignIn(t.Context(), w.client, "bob", password)
		require.NoError(t, err)
		mine, other := w.signIn(t), w.signIn(t)
		ctx := auth.NewContext(t.Context(), mine.Identity())
		require.NoError(t, w.st.InTx(ctx, func(ctx context.Context, tx store.Store) error { return w.SetPassword(ctx, tx, w.alice.ID, "another") }))
		w.Forget(w.alice.ID)
		_, err = authenticated(t, w.Service, withCookie(mine.Cookie))
		require.NoError(t, err)
		_, err = authenticated(t, w.Service, withCookie(other.Cookie))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		_, err = authenticated(t, w.Service, withCookie(bobs.Cookie))
		require.NoError(t, err, "somebody else")
		require.NoError(t, w.SetPassword(ctx, nil, bob.ID, "another"), "alice changes bob's")
		_, err = authenticated(t, w.Service, withCookie(bobs.Cookie))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		_, err = w.SignIn(t.Context(), w.client, "bob", "another")
		require.NoError(t, err)
	})
}

func TestOnlyTheCookieThatWasGivenOpensASession(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		in, other := w.signIn(t), w.signIn(t)
		number, secret, _ := strings.Cut(in.Cookie, ".")
		_, otherSecret, _ := strings.Cut(other.Cookie, ".")
		for _, value := range []string{
			"", ".", number, number + ".", "." + secret, "0." + secret, "-" + in.Cookie, "+" + in.Cookie, "0" + in.Cookie,
			number + "." + otherSecret, in.Cookie + "x", in.Cookie[:len(in.Cookie)-1], "999." + secret,
			number + "." + in.Session.Secret, number + "." + crypto.HashToken(secret), strings.ToLower(in.Cookie), number + "." + repeat("x", 5000),
		} {
			_, err := authenticated(t, w.Service, withCookie(value))
			require.ErrorIs(t, err, auth.ErrUnauthenticated, value)
		}
		two := withCookie("77.stale; " + auth.CookieName + "=" + in.Cookie)
		_, err := authenticated(t, w.Service, two)
		require.NoError(t, err, "behind a cookie that another path has left")
		many := withCookie(strings.Repeat("77.stale; "+auth.CookieName+"=", 100) + in.Cookie)
		_, err = authenticated(t, w.Service, many)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		cfg    auth.Config
		tls    bool
		secure bool
		path   string
	}{
		{"plain", auth.Config{}, false, false, "/"},
		{"behind TLS", auth.Config{CookiePath: "/ci"}, true, true, "/ci"},
		{"where TLS ends before us", auth.Config{SecureCookie: true}, false, true, "/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, test.cfg)
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if test.tls {
				r.TLS = &tls.ConnectionState{}
			}
			rec := httptest.NewRecorder()
			w.SetCookie(rec, r, "1.abc")
			w.ClearCookie(rec, r)
			cookies := rec.Result().Cookies()
			require.Len(t, cookies, 2)
			for _, c := range cookies {
				require.Equal(t, "semaphore", c.Name)
				require.Equal(t, test.path, c.Path)
				require.True(t, c.HttpOnly)
				require.Equal(t, http.SameSiteLaxMode, c.SameSite)
				require.Equal(t, test.secure, c.Secure)
			}
			require.Equal(t, "1.abc", cookies[0].Value)
			require.Zero(t, cookies[0].MaxAge, "it ends with the browser")
			require.Negative(t, cookies[1].MaxAge)
		})
	}
}

func TestASessionKeepsLittleOfWhatTheClientSays(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	c := from("::ffff:192.0.2.1")
	c.UserAgent = repeat("a", 254) + "ä" + repeat("b", 1000)
	in, err := w.SignIn(t.Context(), c, "alice", password)
	require.NoError(t, err)
	require.Equal(t, "192.0.2.1", in.Session.IP)
	require.Equal(t, repeat("a", 254), in.Session.UserAgent)
}

func TestAUserHasAThousandSessionsAtMost(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	now := w.clock.now()
	var idle store.Session
	for i := range 1000 {
		active := now.Add(-time.Hour)
		if i == 500 {
			active = now.Add(-2 * time.Hour)
		}
		row, err := w.st.Users().Sessions().Create(t.Context(), store.Session{UserID: w.alice.ID, Created: now, LastActive: active, Verified: true})
		require.NoError(t, err)
		if i == 500 {
			idle = row
		}
	}
	w.signIn(t)
	list, err := w.Sessions(t.Context(), w.alice.ID)
	require.NoError(t, err)
	require.Len(t, list, 1000)
	for _, session := range list {
		require.NotEqual(t, idle.ID, session.ID, "the one that was not used for longest goes")
	}
}
