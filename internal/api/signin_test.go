package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/store"
)

// signInAs signs somebody in and returns the header of the cookie.
func (w *world) signInAs(name string) []string {
	w.t.Helper()
	a := w.do("", "POST", "/auth/login", `{"auth":"`+name+`","password":"`+password+`"}`)
	require.Equal(w.t, http.StatusNoContent, a.Status, a.Body)
	return []string{"Cookie", strings.SplitN(a.Header.Get("Set-Cookie"), ";", 2)[0]}
}

// enroll gives somebody an active second factor and returns what makes codes.
func (w *world) enroll(name string) (url string, row store.TOTP) {
	w.t.Helper()
	row, err := w.auth.EnrollTOTP(w.t.Context(), w.ids[name])
	require.NoError(w.t, err)
	require.NoError(w.t, w.auth.ConfirmTOTP(w.t.Context(), w.ids[name], row.ID, code(w.t, row.URL, -30*time.Second)))
	return row.URL, row
}

// code is the passcode of an otpauth URL at a moment.
func code(t *testing.T, url string, shift time.Duration) string {
	t.Helper()
	_, secret, ok := strings.Cut(url, "secret=")
	require.True(t, ok)
	secret, _, _ = strings.Cut(secret, "&")
	c, err := totp.GenerateCode(secret, time.Now().Add(shift))
	require.NoError(t, err)
	return c
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.play([]scenario{
			{name: "a wrong password", as: "nobody", method: "POST", path: "/auth/login", body: `{"auth":"owner","password":"x"}`, status: 401, contains: []string{"wrong login or password"}},
			{name: "an unknown login gets the same answer", as: "nobody", method: "POST", path: "/auth/login", body: `{"auth":"who","password":"x"}`, status: 401, contains: []string{"wrong login or password"}},
			{name: "no JSON", as: "nobody", method: "POST", path: "/auth/login", body: `auth=owner`, status: 400},
			{name: "a page of another site", as: "nobody", method: "POST", path: "/auth/login", body: `{"auth":"owner","password":"correct horse"}`, header: []string{"Sec-Fetch-Site", "cross-site"}, status: 403},
			{name: "the right password", as: "nobody", method: "POST", path: "/auth/login", body: `{"auth":"OWNER@example.org","password":"correct horse"}`, status: 204,
				after: func(t *testing.T, _ *world, a answer) {
					cookie := a.Header.Get("Set-Cookie")
					require.True(t, strings.HasPrefix(cookie, "semaphore="), cookie)
					require.Contains(t, cookie, "HttpOnly")
					require.Contains(t, cookie, "SameSite=Lax")
					require.Empty(t, a.Body)
				}},
			{name: "signing out without a session", as: "nobody", method: "POST", path: "/auth/logout", status: 204},
			{name: "nothing to verify", as: "guest", method: "POST", path: "/auth/verify", body: `{"passcode":"123456"}`, status: 204},
			{name: "verifying needs a session", as: "nobody", method: "POST", path: "/auth/verify", body: `{"passcode":"123456"}`, status: 401},
			{name: "recovery without a second factor", as: "guest", method: "POST", path: "/auth/recovery", body: `{"recovery_code":"x"}`, status: 400},
		})
		require.Contains(t, eventTexts(t, w)[0], `"owner" signed in`)

		cookie := w.signInAs("owner")
		require.Equal(t, 200, w.do("", "GET", "/info", "", cookie...).Status)
		a := w.do("", "POST", "/auth/logout", "", cookie...)
		require.Equal(t, 204, a.Status)
		require.Contains(t, a.Header.Get("Set-Cookie"), "Max-Age=0")
		require.Equal(t, 401, w.do("", "GET", "/info", "", cookie...).Status)
	})
}

func TestTooManyWrongPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	for range 10 {
		require.Equal(t, 401, w.do("", "POST", "/auth/login", `{"auth":"owner","password":"x"}`).Status)
	}
	a := w.do("", "POST", "/auth/login", `{"auth":"owner","password":"`+password+`"}`)
	require.Equal(t, 429, a.Status)
	require.NotEmpty(t, a.Header.Get("Retry-After"))
	require.Contains(t, a.Body, `"error"`)
	require.Equal(t, 204, w.do("", "POST", "/auth/login", `{"auth":"guest","password":"`+password+`"}`).Status, "others are not locked out")
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		url, row := w.enroll("owner")
		cookie := w.signInAs("owner")
		a := w.do("", "GET", "/info", "", cookie...)
		require.Equal(t, 401, a.Status)
		require.JSONEq(t, `{"error":"TOTP_REQUIRED"}`, a.Body)

		a = w.do("", "POST", "/auth/verify", `{"passcode":"000000"}`, cookie...)
		require.Equal(t, 401, a.Status)
		require.JSONEq(t, `{"error":"INVALID_PASSCODE"}`, a.Body)
		a = w.do("", "POST", "/auth/verify", `{"passcode":"`+code(t, url, 0)+`"}`, cookie...)
		require.Equal(t, 200, a.Status)
		require.Empty(t, a.Body)
		require.Equal(t, 200, w.do("", "GET", "/info", "", cookie...).Status)

		cookie = w.signInAs("owner")
		a = w.do("", "POST", "/auth/recovery", `{"recovery_code":"AAAABBBBCCCCDDDD"}`, cookie...)
		require.Equal(t, 401, a.Status)
		require.JSONEq(t, `{"error":"INVALID_RECOVERY_CODE"}`, a.Body)
		require.Equal(t, 204, w.do("", "POST", "/auth/recovery", `{"recovery_code":"`+row.RecoveryCode+`"}`, cookie...).Status)
		require.Equal(t, 200, w.do("", "GET", "/info", "", cookie...).Status)
		page, err := w.st.Users().SecondFactors().List(t.Context(), w.ids["owner"], store.Query{})
		require.NoError(t, err)
		require.Empty(t, page.Items)
	})
}

func TestSignOutWhileTheSecondFactorIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	w.enroll("owner")
	cookie := w.signInAs("owner")
	require.Equal(t, 204, w.do("", "POST", "/auth/logout", "", cookie...).Status)
	require.JSONEq(t, `{"error":"sign in first"}`, w.do("", "GET", "/info", "", cookie...).Body)
}

func TestSecondFactorsThatAreSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, auth: func(c *auth.Config) { c.TOTP = false }})
	a := w.do("", "POST", "/auth/recovery", `{"recovery_code":"x"}`, w.signInAs("owner")...)
	require.Equal(t, 403, a.Status)
	require.JSONEq(t, `{"error":"TOTP_DISABLED"}`, a.Body)
}

func TestTokensOfPrograms(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		login := `{"auth":"owner","password":"` + password + `"}`
		a := w.do("", "POST", "/auth/token", login)
		require.Equal(t, 200, a.Status, a.Body)
		require.Equal(t, []string{"access_token", "expires_in", "refresh_token", "token_type"}, keys(t, a.Body))
		require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		var first, second auth.Pair
		a.decode(t, &first)
		require.Equal(t, 200, w.do("", "GET", "/info", "", "Authorization", "Bearer "+first.AccessToken).Status)

		a = w.do("", "POST", "/auth/refresh", `{"refresh_token":"`+first.RefreshToken+`"}`)
		require.Equal(t, 200, a.Status, a.Body)
		a.decode(t, &second)
		require.Equal(t, 401, w.do("", "POST", "/auth/refresh", `{"refresh_token":"`+first.RefreshToken+`"}`).Status, "each works once")
		require.Equal(t, 401, w.do("", "GET", "/info", "", "Authorization", "Bearer "+second.AccessToken).Status, "reuse ends the family")

		w.do("", "POST", "/auth/token", login).decode(t, &first)
		require.Equal(t, 204, w.do("", "POST", "/auth/revoke", `{"refresh_token":"`+first.RefreshToken+`"}`).Status)
		require.Equal(t, 401, w.do("", "GET", "/info", "", "Authorization", "Bearer "+first.AccessToken).Status)
		require.Equal(t, 204, w.do("", "POST", "/auth/revoke", `{"refresh_token":"x"}`).Status)

		sessions, err := w.auth.Sessions(t.Context(), w.ids["owner"])
		require.NoError(t, err)
		require.Empty(t, sessions, "the sessions that tokens were made in are over")
		w.play([]scenario{
			{name: "a wrong password", as: "nobody", method: "POST", path: "/auth/token", body: `{"auth":"owner","password":"x"}`, status: 401},
			{name: "neither login nor session", as: "nobody", method: "POST", path: "/auth/token", body: `{}`, status: 401},
			{name: "an API token is no session", as: "guest", method: "POST", path: "/auth/token", body: `{}`, status: 401},
			{name: "a token that is none", as: "nobody", method: "POST", path: "/auth/refresh", body: `{"refresh_token":"a.b.c"}`, status: 401},
		})
		require.Equal(t, 200, w.do("", "POST", "/auth/token", `{}`, w.signInAs("guest")...).Status, "a session can have tokens")
	})
}

func TestTokensOfProgramsNeedTheSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	url, _ := w.enroll("owner")
	login := `{"auth":"owner","password":"` + password + `"`
	a := w.do("", "POST", "/auth/token", login+`}`)
	require.Equal(t, 401, a.Status)
	require.JSONEq(t, `{"error":"TOTP_REQUIRED"}`, a.Body)
	a = w.do("", "POST", "/auth/token", login+`,"passcode":"000000"}`)
	require.Equal(t, 401, a.Status)
	require.JSONEq(t, `{"error":"INVALID_PASSCODE"}`, a.Body)
	sessions, err := w.auth.Sessions(t.Context(), w.ids["owner"])
	require.NoError(t, err)
	require.Empty(t, sessions)
	require.Equal(t, 200, w.do("", "POST", "/auth/token", login+`,"passcode":"`+code(t, url, 0)+`"}`).Status)
}

// fakeSignIns is a provider that knows one person.
type fakeSignIns struct {
	who      auth.External
	returnTo string
	err      error
	asked    string
}

func (f *fakeSignIns) Providers() []api.Provider {
	return []api.Provider{{ID: "corp", Name: "Corp", Color: "red", Icon: "login"}}
}

func (f *fakeSignIns) Begin(w http.ResponseWriter, r *http.Request, _, returnTo string) error {
	f.asked = returnTo
	if f.err == nil {
		http.Redirect(w, r, "https://id.example.org/authorize", http.StatusTemporaryRedirect)
	}
	return f.err
}

func (f *fakeSignIns) Finish(*http.Request, http.ResponseWriter, string) (auth.External, string, error) {
	return f.who, f.returnTo, f.err
}

func TestSignInByProvider(t *testing.T) {
	t.Parallel()
	f := &fakeSignIns{who: auth.External{Source: "corp", Issuer: "https://id.example.org", Subject: "7", Username: "eve", Name: "Eve", Email: "eve@example.org"}}
	w := newWorld(t, options{idle: true, api: func(c *api.Config) { c.SignIns = f }})
	require.Contains(t, w.do("", "GET", "/auth/login", "").Body, `"oidc_providers":[{"id":"corp","name":"Corp","color":"red","icon":"login"}]`)
	const home = "https://semaphore.example.org/prefix"
	get := func(path string) answer { return w.do("", "GET", path, "") }

	a := get("/auth/oidc/corp/login?return=/project/1")
	require.Equal(t, 307, a.Status)
	require.Equal(t, "https://id.example.org/authorize", a.Header.Get("Location"))
	require.Equal(t, "/project/1", f.asked)
	get("/auth/oidc/corp/login?return=//evil.example.org")
	require.Equal(t, "/", f.asked)

	a = get("/auth/oidc/corp/redirect?code=1")
	require.Equal(t, 307, a.Status)
	require.Equal(t, home+"/", a.Header.Get("Location"))
	require.Equal(t, 200, w.do("", "GET", "/info", "", "Cookie", strings.SplitN(a.Header.Get("Set-Cookie"), ";", 2)[0]).Status)
	require.Equal(t, home+"/project/1/history", get("/auth/oidc/corp/redirect/project/1/history").Header.Get("Location"))
	f.returnTo = "/x?y=1"
	require.Equal(t, home+"/x?y=1", get("/auth/oidc/corp/redirect").Header.Get("Location"))
	for _, evil := range []string{"https://evil.example.org", "//evil.example.org", `/\evil.example.org`, "/\t/evil.example.org", "evil"} {
		f.returnTo = evil
		require.Equal(t, home+"/", get("/auth/oidc/corp/redirect").Header.Get("Location"), evil)
	}

	f.who = auth.External{Source: "corp", Issuer: "https://id.example.org", Subject: "8", Username: "boss", Email: "owner@example.org"}
	a = get("/auth/oidc/corp/redirect")
	require.Equal(t, home+"/auth/login?why=account", a.Header.Get("Location"), "a local account is never given away")
	require.Empty(t, a.Header.Get("Set-Cookie"))
	for why, err := range map[string]error{"provider": http.ErrNoCookie, "state": auth.ErrOIDCState, "refused": auth.ErrOIDCRefused, "account": auth.ErrExternal} {
		f.err = fmt.Errorf("canary of the log: %w", err)
		for _, path := range []string{"/auth/oidc/corp/login", "/auth/oidc/corp/redirect"} {
			a = get(path)
			require.Equal(t, home+"/auth/login?why="+why, a.Header.Get("Location"))
			require.Empty(t, a.Header.Get("Set-Cookie"))
		}
	}
}

func FuzzReturnPath(f *testing.F) {
	for _, seed := range []string{"/", "/project/1?x=y#z", "//evil", `/\evil`, "https://evil", "/a b", "/%2f/evil", "javascript:alert(1)", "/\x00", "/..//evil", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		fake := &fakeSignIns{returnTo: path, who: auth.External{Source: "corp", Issuer: "https://id.example.org", Subject: "7", Username: "eve", Name: "Eve", Email: "eve@example.org"}}
		w := newWorld(t, options{idle: true, api: func(c *api.Config) { c.SignIns, c.WebHost = fake, "" }})
		to := w.do("", "GET", "/auth/oidc/corp/redirect", "").Header.Get("Location")
		u, err := url.Parse(to)
		require.NoError(t, err, "%q", to)
		require.Empty(t, u.Scheme, "%q", to)
		require.Empty(t, u.Host, "%q", to)
		require.True(t, strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\r\n\t"), "%q", to)
	})
}

func TestSignInByProviderWhereThereIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	for _, path := range []string{"/auth/oidc/x/login", "/auth/oidc/x/redirect"} {
		a := w.do("", "GET", path, "")
		require.Equal(t, 307, a.Status)
		require.True(t, strings.HasSuffix(a.Header.Get("Location"), "/auth/login"))
	}
}

func TestCookieIsSecureBehindTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	r := httptest.NewRequestWithContext(t.Context(), "POST", "https://semaphore.example.org/api/auth/login", strings.NewReader(`{"auth":"owner","password":"`+password+`"}`))
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	require.Contains(t, rec.Header().Get("Set-Cookie"), "; Secure")
}
