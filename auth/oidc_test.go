package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

func TestASignInByAProviderMakesAnAccountAndOpensASession(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, nil)
	b := w.begin(t, w.oidc, "idp", "/project/1/templates?x=1")
	q := b.to.Query()
	require.Equal(t, w.idp.URL+"/auth", b.to.Scheme+"://"+b.to.Host+b.to.Path)
	require.Equal(t, "1", q.Get("tenant"))
	require.Equal(t, "S256", q.Get("code_challenge_method"))
	require.Equal(t, "code", q.Get("response_type"))
	require.Equal(t, "openid profile email", q.Get("scope"))
	require.Equal(t, "https://semaphore.example.com/api/auth/oidc/idp/redirect", q.Get("redirect_uri"))
	require.True(t, b.cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, b.cookie.SameSite)
	require.Equal(t, 600, b.cookie.MaxAge)
	require.NotContains(t, b.cookie.Value, q.Get("nonce"))
	require.NotContains(t, b.cookie.Value, b.state())

	rec := httptest.NewRecorder()
	ext, to, err := w.oidc.Finish(b.answer(), rec, "idp")
	require.NoError(t, err)
	require.Equal(t, "/project/1/templates?x=1", to)
	yes := true
	require.Equal(t, auth.External{
		Source: auth.SourceOIDC("idp"), Issuer: w.idp.URL, Subject: "subject-1",
		Username: "Lisa", Name: "Lisa", Email: "lisa@example.com", EmailVerified: &yes,
	}, ext)
	require.Equal(t, -1, rec.Result().Cookies()[0].MaxAge, "the cookie is taken away")
	require.Zero(t, w.idp.asked["/userinfo"])

	first, err := w.SignInExternal(t.Context(), w.client, ext)
	require.NoError(t, err)
	require.Equal(t, "lisa", first.User.Username)
	ext, _, err = w.finish(t, "")
	require.NoError(t, err)
	ext.Email = "moved@example.com"
	again, err := w.SignInExternal(t.Context(), w.client, ext)
	require.NoError(t, err)
	require.Equal(t, first.User.ID, again.User.ID, "by issuer and subject")
	require.Equal(t, 1, w.idp.asked["/.well-known/openid-configuration"], "discovered once")
	require.Equal(t, 1, w.idp.asked["/keys"])
}

func TestTheCookieOfASignInIsSecureBehindTLS(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, nil)
	for address, secure := range map[string]bool{"https://x/": true, "http://x/": false} {
		rec := httptest.NewRecorder()
		require.NoError(t, w.oidc.Begin(rec, httptest.NewRequest(http.MethodGet, address, nil), "idp", ""))
		require.Equal(t, secure, rec.Result().Cookies()[0].Secure)
	}
}

func TestAnswersThatBelongToNoSignInOfThisBrowserAreRefused(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]func(t *testing.T, w *oidcWorld, b begun) (*http.Request, string){
		"used before": func(t *testing.T, w *oidcWorld, b begun) (*http.Request, string) {
			_, _, err := w.oidc.Finish(b.answer(), httptest.NewRecorder(), "idp")
			require.NoError(t, err)
			return b.answer(), "idp"
		},
		"used before, and refused": func(t *testing.T, w *oidcWorld, b begun) (*http.Request, string) {
			_, _, err := w.oidc.Finish(callback(b.cookie, url.Values{"state": {b.state()}, "error": {"access_denied"}}), httptest.NewRecorder(), "idp")
			require.ErrorContains(t, err, "access_denied")
			return b.answer(), "idp"
		},
		"the state of another browser": func(t *testing.T, w *oidcWorld, b begun) (*http.Request, string) {
			other := w.begin(t, w.oidc, "idp", "")
			return callback(b.cookie, url.Values{"state": {other.state()}, "code": {theCode}}), "idp"
		},
		"no cookie": func(_ *testing.T, _ *oidcWorld, b begun) (*http.Request, string) {
			return callback(nil, b.answer().URL.Query()), "idp"
		},
		"no state": func(_ *testing.T, _ *oidcWorld, b begun) (*http.Request, string) {
			return callback(b.cookie, url.Values{"code": {theCode}}), "idp"
		},
		"an empty state": func(_ *testing.T, _ *oidcWorld, b begun) (*http.Request, string) {
			return callback(b.cookie, url.Values{"state": {""}, "code": {theCode}}), "idp"
		},
		"a cookie that was changed": func(_ *testing.T, _ *oidcWorld, b begun) (*http.Request, string) {
			b.cookie.Value = b.cookie.Value[:len(b.cookie.Value)-2] + "AA"
			return b.answer(), "idp"
		},
		"a cookie of another key": func(t *testing.T, _ *oidcWorld, b begun) (*http.Request, string) {
			stranger := setupOIDC(t, nil)
			b.cookie = stranger.begin(t, stranger.oidc, "idp", "").cookie
			return b.answer(), "idp"
		},
		"another provider": func(t *testing.T, w *oidcWorld, b begun) (*http.Request, string) {
			w.oidc = w.providers(t, map[string]auth.OIDCProvider{"idp": w.idp.config(), "evil": w.idp.config()})
			return b.answer(), "evil"
		},
		"more than 10 minutes old": func(_ *testing.T, w *oidcWorld, b begun) (*http.Request, string) {
			w.clock.add(10 * time.Minute)
			return b.answer(), "idp"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setupOIDC(t, nil)
			r, provider := request(t, w, w.begin(t, w.oidc, "idp", ""))
			before := w.idp.asked["/token"]
			rec := httptest.NewRecorder()
			_, _, err := w.oidc.Finish(r, rec, provider)
			require.ErrorIs(t, err, auth.ErrOIDCState)
			require.Equal(t, before, w.idp.asked["/token"], "the provider is not asked")
		})
	}
}

func TestAnyProcessWithTheSameKeyFinishesASignIn(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, nil)
	b := w.begin(t, w.oidc, "idp", "/x")
	w.clock.add(10*time.Minute - time.Second)
	_, to, err := w.providers(t, map[string]auth.OIDCProvider{"idp": w.idp.config()}).Finish(b.answer(), httptest.NewRecorder(), "idp")
	require.NoError(t, err)
	require.Equal(t, "/x", to)
}

func TestAnswersWithoutACodeAreRefused(t *testing.T) {
	t.Parallel()
	for contains, query := range map[string]url.Values{
		"no code":           {},
		"sends no code":     {"code": {repeat("x", 10_000)}},
		"refuses: denied x": {"error": {"denied\nx"}},
		"comes from https":  {"code": {theCode}, "iss": {"https://evil.example.com"}},
		"invalid_grant":     {"code": {"another"}},
	} {
		t.Run(contains, func(t *testing.T) {
			t.Parallel()
			w := setupOIDC(t, nil)
			b := w.begin(t, w.oidc, "idp", "")
			query.Set("state", b.state())
			_, _, err := w.oidc.Finish(callback(b.cookie, query), httptest.NewRecorder(), "idp")
			require.ErrorContains(t, err, contains)
			require.NotContains(t, err.Error(), "verifier")
		})
	}
	w := setupOIDC(t, nil)
	require.ErrorIs(t, w.oidc.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), "none", ""), auth.ErrNoProvider)
	_, _, err := w.oidc.Finish(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder(), "none")
	require.ErrorIs(t, err, auth.ErrNoProvider)
}

func TestPagesToReturnToAreOurs(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                      "/",
		"/":                     "/",
		"/project/1":            "/project/1",
		"/project/1?a=b#c":      "/project/1?a=b#c",
		"/a//b":                 "/a//b",
		"project":               "/",
		"//evil.example.com":    "/",
		"///evil.example.com":   "/",
		`/\evil.example.com`:    "/",
		`/a\b`:                  "/",
		"https://evil.com":      "/",
		"https:/evil.com":       "/",
		"javascript:alert(1)":   "/",
		"/\t/evil.example.com":  "/",
		"\t//evil.example.com":  "/",
		" //evil.example.com":   "/",
		"/\r\nSet-Cookie: a=b":  "/",
		"/%zz":                  "/",
		"/" + repeat("x", 1024): "/",
		"@evil.example.com":     "/",
		"/\xff":                 "/",
	} {
		require.Equal(t, want, auth.ReturnPath(given), "%q", given)
	}
	w := setupOIDC(t, nil)
	_, to, err := w.finish(t, "//evil.example.com")
	require.NoError(t, err)
	require.Equal(t, "/", to)
}

func TestThePageToReturnToMayBePartOfTheRedirectURL(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, func(_ *idp, cfg *auth.OIDCProvider) { cfg.ReturnInPath = true })
	redirects := make(chan string, 1)
	w.idp.take["/token"] = func(rw http.ResponseWriter, r *http.Request) {
		redirects <- r.PostFormValue("redirect_uri")
		w.idp.answerToken(rw, r)
	}
	b := w.begin(t, w.oidc, "idp", "/project/1?a=b")
	const want = "https://semaphore.example.com/api/auth/oidc/idp/redirect/project/1"
	require.Equal(t, want, b.to.Query().Get("redirect_uri"))
	_, to, err := w.oidc.Finish(b.answer(), httptest.NewRecorder(), "idp")
	require.NoError(t, err)
	require.Equal(t, "/project/1?a=b", to)
	require.Equal(t, want, <-redirects, "the provider compares it")
}

func TestProvidersAreListedInTheirOrder(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, nil)
	cfg := func(order int, name string) auth.OIDCProvider {
		c := w.idp.config()
		c.Order, c.DisplayName, c.Color, c.Icon = order, name, "red", "key"
		return c
	}
	o := w.providers(t, map[string]auth.OIDCProvider{"b": cfg(1, "Bee"), "a": cfg(1, ""), "z": cfg(0, "Zed")})
	want := []auth.Provider{{ID: "z", Name: "Zed", Color: "red", Icon: "key"}, {ID: "a", Name: "a", Color: "red", Icon: "key"}, {ID: "b", Name: "Bee", Color: "red", Icon: "key"}}
	require.Equal(t, want, o.Providers())
}

func TestNewOIDCNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	good := auth.OIDCProvider{ClientID: clientID, ProviderURL: "https://id.example.com"}
	explicit := auth.OIDCEndpoint{Issuer: "https://i", Auth: "https://a", Token: "https://t", JWKS: "https://k"}
	for _, test := range []struct {
		contains string
		change   func(*auth.OIDCProvider)
	}{
		{"no client id", func(c *auth.OIDCProvider) { c.ClientID = "" }},
		{"policy", func(c *auth.OIDCProvider) { c.EmailVerified = "maybe" }},
		{"neither a provider URL", func(c *auth.OIDCProvider) { c.ProviderURL = "" }},
		{"give an http", func(c *auth.OIDCProvider) { c.ProviderURL = "id.example.com" }},
		{"give an http", func(c *auth.OIDCProvider) { c.ProviderURL = "ftp://id.example.com" }},
		{"give an http", func(c *auth.OIDCProvider) { c.RedirectURL = "/redirect" }},
		{"its username", func(c *auth.OIDCProvider) { c.UsernameClaim = "{{" }},
		{"its groups", func(c *auth.OIDCProvider) { c.GroupsClaim = "{{ range .x }}{{ end }}" }},
		{"no issuer", func(c *auth.OIDCProvider) { c.ProviderURL, c.Endpoint = "", explicit; c.Endpoint.Issuer = "" }},
		{"neither keys", func(c *auth.OIDCProvider) { c.ProviderURL, c.Endpoint = "", explicit; c.Endpoint.JWKS = "" }},
		{`algorithm "HS256"`, func(c *auth.OIDCProvider) {
			c.ProviderURL, c.Endpoint = "", explicit
			c.Endpoint.Algorithms = []string{"RS256", "HS256"}
		}},
		{`algorithm "none"`, func(c *auth.OIDCProvider) {
			c.ProviderURL, c.Endpoint = "", explicit
			c.Endpoint.Algorithms = []string{"none"}
		}},
	} {
		cfg := good
		test.change(&cfg)
		_, err := auth.NewOIDC(w.Service, map[string]auth.OIDCProvider{"idp": cfg}, auth.OIDCOptions{WebHost: "https://x"})
		require.ErrorContains(t, err, `provider "idp"`)
		require.ErrorContains(t, err, test.contains)
	}
	_, err := auth.NewOIDC(w.Service, map[string]auth.OIDCProvider{"idp": good}, auth.OIDCOptions{})
	require.ErrorContains(t, err, "web host")
	_, err = auth.NewOIDC(w.Service, map[string]auth.OIDCProvider{"a/b": good}, auth.OIDCOptions{WebHost: "https://x"})
	require.ErrorContains(t, err, "plain word")
	_, err = auth.NewOIDC(nil, nil, auth.OIDCOptions{})
	require.ErrorContains(t, err, "need a service")
	_, err = auth.NewOIDC(w.Service, nil, auth.OIDCOptions{Timeout: -1})
	require.ErrorContains(t, err, "time-out")
	_, err = auth.NewOIDC(w.Service, map[string]auth.OIDCProvider{"idp": good}, auth.OIDCOptions{WebHost: "https://x"})
	require.NoError(t, err, "nobody is asked yet")
}

func TestUsedStatesAreBounded(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Unix(1_800_000_000, 0)}
	u := auth.NewUsedStates(c.now)
	add := func(state string, fresh bool) {
		t.Helper()
		if u.Add(state, c.now().Add(10*time.Minute)) != fresh || u.Len() > auth.MaxUsedStates {
			t.Fatalf("state %s of %d: want it to be new: %v", state, u.Len(), fresh)
		}
	}
	for i := range 3 * auth.MaxUsedStates / 2 {
		if i%50 == 0 {
			c.add(2 * time.Second)
		}
		add(strconv.Itoa(i), true)
		add(strconv.Itoa(i), false)
	}
	for i := range 3 * auth.MaxUsedStates / 2 {
		add("all at once "+strconv.Itoa(i), true)
	}
}

func FuzzReturnPath(f *testing.F) {
	for _, seed := range []string{"/", "/a?b#c", "//x", `/\x`, "/\t/x", "https://x", "/%2f/x", "/..//x"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://semaphore.example.com")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, given string) {
		got := auth.ReturnPath(given)
		u, err := base.Parse(got)
		require.NoError(t, err)
		require.Equal(t, "https://semaphore.example.com", u.Scheme+"://"+u.Host)
		require.Regexp(t, `^/([^/\\\x00-\x1f]|$)`, got)
		require.Equal(t, got, auth.ReturnPath(got))
	})
}

func FuzzOIDCState(f *testing.F) {
	w := &oidcWorld{}
	f.Add("v1.00000000.AAAA", "state")
	f.Add("", "")
	f.Add("v1..", "x\x00")
	f.Fuzz(func(t *testing.T, cookie, state string) {
		if w.world == nil {
			w.world = setup(t, auth.Config{})
			w.oidc = w.providers(t, map[string]auth.OIDCProvider{"idp": {ClientID: "x", ProviderURL: "http://127.0.0.1:1"}})
		}
		r := callback(nil, url.Values{"state": {state}, "code": {"x"}})
		r.Header.Set("Cookie", "semaphore_oidc="+cookie)
		_, _, err := w.oidc.Finish(r, httptest.NewRecorder(), "idp")
		require.ErrorIs(t, err, auth.ErrOIDCState)
	})
}
