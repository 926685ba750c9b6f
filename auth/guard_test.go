package auth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

func TestGuardLetsOnlyThoseThroughWhoAreSignedIn(t *testing.T) {
	t.Parallel()
	w := setup(t, withTOTP)
	in := w.signIn(t)
	token, _, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{})
	require.NoError(t, err)
	reads, _, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{Scopes: []string{"read"}})
	require.NoError(t, err)
	runs, _, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{Scopes: []string{"run"}})
	require.NoError(t, err)
	row, err := w.EnrollTOTP(t.Context(), w.alice.ID)
	require.NoError(t, err)
	require.NoError(t, w.ConfirmTOTP(auth.NewContext(t.Context(), in.Identity()), w.alice.ID, row.ID, w.code(t, row.URL)))
	_, pending := w.pending(t)

	h := w.Guard(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = rw.Write([]byte("hello " + auth.FromContext(r.Context()).User.Username))
	}))
	for _, test := range []struct {
		name, method string
		header       map[string]string
		status       int
		err          string
	}{
		{"nobody", "GET", nil, 401, "not signed in"},
		{"a cookie", "GET", map[string]string{"Cookie": "semaphore=" + in.Cookie}, 200, ""},
		{"a cookie of the same origin", "POST", map[string]string{"Cookie": "semaphore=" + in.Cookie, "Sec-Fetch-Site": "same-origin"}, 200, ""},
		{"a cookie without an origin", "POST", map[string]string{"Cookie": "semaphore=" + in.Cookie}, 200, ""},
		{"a cookie of another site", "POST", map[string]string{"Cookie": "semaphore=" + in.Cookie, "Sec-Fetch-Site": "cross-site"}, 403, "the request comes from another site"},
		{"a cookie of another origin", "DELETE", map[string]string{"Cookie": "semaphore=" + in.Cookie, "Origin": "https://evil.example"}, 403, "the request comes from another site"},
		{"a link of another site", "GET", map[string]string{"Cookie": "semaphore=" + in.Cookie, "Sec-Fetch-Site": "cross-site"}, 200, ""},
		{"a token of another site", "POST", map[string]string{"Authorization": "Bearer " + token, "Sec-Fetch-Site": "cross-site"}, 200, ""},
		{"a token", "POST", map[string]string{"Authorization": "bearer " + token}, 200, ""},
		{"a token that reads", "GET", map[string]string{"Authorization": "Bearer " + reads}, 200, ""},
		{"a token that only reads", "POST", map[string]string{"Authorization": "Bearer " + reads}, 403, "the token was not made for this"},
		{"a token for something else", "GET", map[string]string{"Authorization": "Bearer " + runs}, 403, "the token was not made for this"},
		{"a wrong token", "GET", map[string]string{"Authorization": "Bearer x"}, 401, "not signed in"},
		{"a second factor that is missing", "GET", map[string]string{"Cookie": "semaphore=" + pending.Cookie}, 401, "TOTP_REQUIRED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(test.method, "http://example.com/", nil)
			for k, v := range test.header {
				r.Header.Set(k, v)
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			require.Equal(t, test.status, rec.Code)
			if test.err == "" {
				require.Equal(t, "hello alice", rec.Body.String())
				return
			}
			require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
			var body map[string]string
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &body))
			require.Equal(t, map[string]string{"error": test.err}, body)
		})
	}
}

func TestGuardDoesNotTakeAFaultOfTheStoreForAStranger(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{CacheFor: -1})
	in := w.signIn(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the store refuses to work for it
	rec := httptest.NewRecorder()
	w.Guard(http.NotFoundHandler()).ServeHTTP(rec, withCookie(in.Cookie).WithContext(ctx))
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.JSONEq(t, `{"error":"cannot tell who asks: try again later"}`, rec.Body.String())
}

func TestAContextWithoutAnIdentityHasNone(t *testing.T) {
	t.Parallel()
	require.Nil(t, auth.FromContext(t.Context()))
}
