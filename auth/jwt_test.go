package auth_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
)

func (w *world) issue(t *testing.T) auth.Pair {
	t.Helper()
	in := w.signIn(t)
	pair, err := w.IssueJWT(t.Context(), w.client, in.Identity())
	require.NoError(t, err)
	return pair
}

func TestAnAccessTokenActsForItsUserUntilItExpires(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		in := w.signIn(t)
		pair, err := w.IssueJWT(t.Context(), w.client, in.Identity())
		require.NoError(t, err)
		require.Equal(t, "Bearer", pair.TokenType)
		require.Equal(t, 900, pair.ExpiresIn)
		id, err := authenticated(t, w.Service, withBearer(pair.AccessToken))
		require.NoError(t, err)
		require.Equal(t, w.alice.ID, id.User.ID)
		require.NotEqual(t, in.Session.ID, id.Session.ID)
		require.False(t, id.ByCookie)
		require.NoError(t, w.SignOut(t.Context(), in.Identity()))
		_, err = authenticated(t, w.Service, withBearer(pair.AccessToken))
		require.NoError(t, err, "it has a session of its own")
		_, err = w.IssueJWT(t.Context(), w.client, in.Identity())
		require.ErrorIs(t, err, auth.ErrUnauthenticated, "a session that was ended vouches for nothing")
		w.clock.add(15*time.Minute + 31*time.Second)
		_, err = authenticated(t, w.Service, withBearer(pair.AccessToken))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		_, err = w.RefreshJWT(t.Context(), w.client, pair.RefreshToken)
		require.NoError(t, err)
	})
}

func TestEndingItsSessionEndsBothTokens(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, w *world, pair auth.Pair){
		"revoke": func(t *testing.T, w *world, pair auth.Pair) {
			require.NoError(t, w.RevokeJWT(t.Context(), pair.RefreshToken))
			require.NoError(t, w.RevokeJWT(t.Context(), pair.RefreshToken), "twice")
			require.ErrorIs(t, w.RevokeJWT(t.Context(), pair.AccessToken), auth.ErrUnauthenticated)
		},
		"a new password": func(t *testing.T, w *world, _ auth.Pair) {
			require.NoError(t, w.SetPassword(t.Context(), nil, w.alice.ID, "another"))
		},
		"sign out": func(t *testing.T, w *world, pair auth.Pair) {
			id, err := authenticated(t, w.Service, withBearer(pair.AccessToken))
			require.NoError(t, err)
			require.NoError(t, w.SignOut(t.Context(), id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onStores(t, auth.Config{}, func(t *testing.T, w *world) {
				pair := w.issue(t)
				_, err := authenticated(t, w.Service, withBearer(pair.AccessToken))
				require.NoError(t, err)
				end(t, w, pair)
				_, err = authenticated(t, w.Service, withBearer(pair.AccessToken))
				require.ErrorIs(t, err, auth.ErrUnauthenticated)
				_, err = w.RefreshJWT(t.Context(), w.client, pair.RefreshToken)
				require.ErrorIs(t, err, auth.ErrUnauthenticated)
			})
		})
	}
}

func TestARefreshTokenThatComesTwiceEndsItsFamily(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		first, bystander := w.issue(t), w.issue(t)
		second, err := w.RefreshJWT(t.Context(), from("198.51.100.7"), first.RefreshToken)
		require.NoError(t, err)
		third, err := w.RefreshJWT(t.Context(), w.client, second.RefreshToken)
		require.NoError(t, err)
		_, err = authenticated(t, w.Service, withBearer(third.AccessToken))
		require.NoError(t, err)
		_, err = w.RefreshJWT(t.Context(), w.client, first.RefreshToken)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		for _, pair := range []auth.Pair{first, second, third} {
			_, err = authenticated(t, w.Service, withBearer(pair.AccessToken))
			require.ErrorIs(t, err, auth.ErrUnauthenticated)
			_, err = w.RefreshJWT(t.Context(), w.client, pair.RefreshToken)
			require.ErrorIs(t, err, auth.ErrUnauthenticated)
		}
		_, err = w.RefreshJWT(t.Context(), w.client, bystander.RefreshToken)
		require.NoError(t, err, "another family")
	})
}

func TestParallelRefreshesGiveOnePairAtMost(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		pair := w.issue(t)
		var mu sync.Mutex
		fine := 0
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := w.RefreshJWT(t.Context(), w.client, pair.RefreshToken)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					fine++
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, fine)
	})
}

func TestAFamilyEndsWithItsTime(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{RefreshTTL: 10 * day})
	pair := w.issue(t)
	for range 2 {
		w.clock.add(10*day - time.Minute)
		var err error
		pair, err = w.RefreshJWT(t.Context(), w.client, pair.RefreshToken)
		require.NoError(t, err, "it is used")
	}
	old := w.issue(t)
	w.clock.add(10 * day)
	_, err := w.RefreshJWT(t.Context(), w.client, pair.RefreshToken)
	require.ErrorIs(t, err, auth.ErrUnauthenticated, "no session lives longer than SessionMax")
	w.clock.add(time.Minute)
	_, err = w.RefreshJWT(t.Context(), w.client, old.RefreshToken)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
}

func TestTokensOfAnOlderKeyAreAcceptedUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{CacheFor: -1})
	pair := w.issue(t)
	old := w.ring.Primary()
	require.NoError(t, w.ring.Add(crypto.GenerateKey()))
	_, err := authenticated(t, w.Service, withBearer(pair.AccessToken))
	require.NoError(t, err)
	fresh, err := w.RefreshJWT(t.Context(), w.client, pair.RefreshToken)
	require.NoError(t, err)
	require.NoError(t, w.ring.Forget(old))
	_, err = authenticated(t, w.Service, withBearer(pair.AccessToken))
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
	_, err = authenticated(t, w.Service, withBearer(fresh.AccessToken))
	require.NoError(t, err)
}

// TestForgedTokens signs tokens in every wrong way; a control proves that the
// right one is accepted.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{CacheFor: -1})
	pair := w.issue(t)
	id, err := authenticated(t, w.Service, withBearer(pair.AccessToken))
	require.NoError(t, err)
	cookie := w.signIn(t)
	key := w.ring.Derive("auth jwt v1")[0]
	for _, test := range []struct {
		name   string
		change func(c jwt.MapClaims, head map[string]any) (jwt.SigningMethod, any)
		fine   bool
	}{
		{"the right one", func(jwt.MapClaims, map[string]any) (jwt.SigningMethod, any) {
			return jwt.SigningMethodHS256, key.Secret
		}, true},
		{"no algorithm", func(jwt.MapClaims, map[string]any) (jwt.SigningMethod, any) {
			return jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		}, false},
		{"another algorithm", func(jwt.MapClaims, map[string]any) (jwt.SigningMethod, any) {
			return jwt.SigningMethodHS512, key.Secret
		}, false},
		{"another key", func(jwt.MapClaims, map[string]any) (jwt.SigningMethod, any) {
			return jwt.SigningMethodHS256, make([]byte, 32)
		}, false},
		{"an empty key", func(jwt.MapClaims, map[string]any) (jwt.SigningMethod, any) { return jwt.SigningMethodHS256, []byte{} }, false},
		{"an unknown key id", func(_ jwt.MapClaims, h map[string]any) (jwt.SigningMethod, any) {
			h["kid"] = "00000000"
			return jwt.SigningMethodHS256, key.Secret
		}, false},
		{"no key id", func(_ jwt.MapClaims, h map[string]any) (jwt.SigningMethod, any) {
			delete(h, "kid")
			return jwt.SigningMethodHS256, key.Secret
		}, false},
		{"another issuer", claim(key, "iss", "somebody"), false},
		{"no issuer", claim(key, "iss", nil), false},
		{"the other audience", claim(key, "aud", "refresh"), false},
		{"no audience", claim(key, "aud", nil), false},
		{"out of date", claim(key, "exp", w.clock.now().Add(-31*time.Second).Unix()), false},
		{"out of date by a slow clock", claim(key, "exp", w.clock.now().Add(-29*time.Second).Unix()), true},
		{"no end", claim(key, "exp", nil), false},
		{"not yet", claim(key, "nbf", w.clock.now().Add(31*time.Second).Unix()), false},
		{"not yet by a fast clock", claim(key, "nbf", w.clock.now().Add(29*time.Second).Unix()), true},
		{"no beginning", claim(key, "nbf", nil), false},
		{"another user", claim(key, "sub", strconv.FormatInt(w.alice.ID+1, 10)), false},
		{"no user", claim(key, "sub", "alice"), false},
		{"another session", claim(key, "sid", 999), false},
		{"the session of a cookie", claim(key, "sid", cookie.Session.ID), false},
		{"no session", claim(key, "sid", nil), false},
		{"no id", claim(key, "jti", nil), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := w.clock.now()
			c := jwt.MapClaims{
				"iss": "semaphore", "aud": "access", "sub": strconv.FormatInt(w.alice.ID, 10), "sid": id.Session.ID, "jti": "x",
				"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(),
			}
			head := map[string]any{"typ": "JWT", "kid": key.ID}
			method, secret := test.change(c, head)
			head["alg"] = method.Alg()
			text, err := (&jwt.Token{Header: head, Claims: c, Method: method}).SignedString(secret)
			require.NoError(t, err)
			_, err = authenticated(t, w.Service, withBearer(text))
			if test.fine {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, auth.ErrUnauthenticated)
			}
		})
	}
}

// claim sets one claim, or removes it.
func claim(key crypto.Derived, name string, value any) func(jwt.MapClaims, map[string]any) (jwt.SigningMethod, any) {
	return func(c jwt.MapClaims, _ map[string]any) (jwt.SigningMethod, any) {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
		return jwt.SigningMethodHS256, key.Secret
	}
}

func TestTheKindsOfTokensAreNotExchangeable(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	pair := w.issue(t)
	_, err := authenticated(t, w.Service, withBearer(pair.RefreshToken))
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
	_, err = w.RefreshJWT(t.Context(), w.client, pair.AccessToken)
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
	_, err = authenticated(t, w.Service, withCookie(pair.AccessToken))
	require.ErrorIs(t, err, auth.ErrUnauthenticated)
	cut := strings.Split(pair.AccessToken, ".")
	payload, err := base64.RawURLEncoding.DecodeString(cut[1])
	require.NoError(t, err)
	require.NotContains(t, string(payload), "alice", "it tells nothing about the account but its id")

	token, _, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{Scopes: []string{"read"}})
	require.NoError(t, err)
	id, err := authenticated(t, w.Service, withBearer(token))
	require.NoError(t, err)
	_, err = w.IssueJWT(t.Context(), w.client, id)
	require.ErrorIs(t, err, auth.ErrNoSession, "a token cannot get more than it has")
	require.ErrorIs(t, w.Verify(t.Context(), id, "123456"), auth.ErrNothingToVerify)
	require.NoError(t, w.SignOut(t.Context(), id))
}
