package auth_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/pquerna/otp"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// stranger is a service that nobody has signed in to.
func stranger(f *testing.F) *auth.Service {
	f.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(f, err)
	st := memory.New(memory.Config{})
	_, err = st.Users().Create(f.Context(), store.User{Username: "alice", Name: "Alice", Email: "alice@example.com"})
	require.NoError(f, err)
	_, err = st.Users().Sessions().Create(f.Context(), store.Session{UserID: 1, LastActive: time.Now(), Verified: true})
	require.NoError(f, err)
	s, err := auth.New(st, auth.Config{Ring: ring, BcryptCost: 4})
	require.NoError(f, err)
	return s
}

func FuzzCookie(f *testing.F) {
	s := stranger(f)
	for _, seed := range []string{"1.secret", "1.", ".", "", "01.x", "-1.x", "9223372036854775808.x", "1.a.b", "1\x00.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		id, secret, ok := auth.ParseCookie(value)
		if ok {
			require.Equal(t, value, strconv.FormatInt(id, 10)+"."+secret, "one session has one form")
			require.Positive(t, id)
			require.NotEmpty(t, secret)
		}
		r := &http.Request{Header: http.Header{"Cookie": {auth.CookieName + "=" + value}}}
		_, err := s.Authenticate(t.Context(), r)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}

func FuzzAuthorization(f *testing.F) {
	s := stranger(f)
	for _, seed := range []string{"Bearer x", "bearer  x ", "Basic eDp5", "Bearer", "", "Bearer a.b.c", "bearer bearer x", "\tBearer\tx"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		token, ok := auth.Bearer(value)
		if ok {
			require.True(t, strings.EqualFold(strings.TrimSpace(value)[:6], "bearer"))
			require.Equal(t, strings.TrimSpace(token), token)
			require.Contains(t, value, token)
		}
		r := &http.Request{Header: http.Header{"Authorization": {value}}}
		_, err := s.Authenticate(t.Context(), r)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	})
}

func FuzzJWT(f *testing.F) {
	s := stranger(f)
	for _, seed := range []string{
		"a.b.c", "..", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwic2lkIjoxfQ.",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6IiJ9.eyJzdWIiOiIxIiwic2lkIjoxLCJpc3MiOiJzZW1hcGhvcmUifQ.AAAA",
	} {
		f.Add(seed)
	}
	forged, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "semaphore", "aud": "access", "sub": "1", "sid": 1, "exp": 1 << 40, "nbf": 1, "jti": "x"}).SignedString([]byte("x"))
	require.NoError(f, err)
	f.Add(forged)
	f.Fuzz(func(t *testing.T, token string) {
		r := &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}
		_, err := s.Authenticate(t.Context(), r)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		_, err = s.RefreshJWT(t.Context(), auth.Client{}, token)
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		require.ErrorIs(t, s.RevokeJWT(t.Context(), token), auth.ErrUnauthenticated)
	})
}

// FuzzPasscode also fuzzes the URL, which an import may bring.
func FuzzPasscode(f *testing.F) {
	f.Add("otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "287082", int64(59), int64(0))
	f.Add("otpauth://totp/a:b?secret=x&period=0&digits=99&algorithm=MD5", "1", int64(-1), int64(5))
	f.Add("otpauth://totp/?secret=&period=99999999999999999999&encoder=steam", "", int64(1), int64(1))
	f.Fuzz(func(t *testing.T, url, code string, at, last int64) {
		key, err := otp.NewKeyFromURL(url)
		if err != nil {
			t.Skip()
		}
		step, ok := auth.AcceptCode(key, code, time.Unix(at, 0), last)
		if !ok {
			require.Zero(t, step)
			return
		}
		require.Greater(t, step, last)
		if next, again := auth.AcceptCode(key, code, time.Unix(at, 0), step); again {
			require.Greater(t, next, step, "a step counts once")
		}
	})
}
