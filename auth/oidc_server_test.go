package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

const (
	clientID     = "the client"
	clientSecret = "canary-client-secret"
	theCode      = "canary-code"
	accessToken  = "canary-access-token"
)

// rsaKey is one for all tests: making them takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// idp is a provider that lies as a test wants it to.
type idp struct {
	*httptest.Server
	now func() time.Time

	mu        sync.Mutex
	nonce     string // of the sign-in that was begun last
	challenge string
	asked     map[string]int // by path

	claims   func(jwt.MapClaims)         // changes what the token says
	sign     func(jwt.MapClaims) string  // signs it in another way
	token    func(map[string]any)        // changes the answer with the token
	userInfo map[string]any              // nil: there is none
	take     map[string]http.HandlerFunc // takes the place of a path
	discover func(map[string]any)        // changes what is discovered
}

func newIDP(t *testing.T, now func() time.Time) *idp {
	t.Helper()
	p := &idp{now: now, asked: map[string]int{}, take: map[string]http.HandlerFunc{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP answers as a provider does.
func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	take := p.take[r.URL.Path]
	p.mu.Unlock()
	if take != nil {
		take(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer := map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/auth?tenant=1", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		}
		if p.userInfo != nil {
			answer["userinfo_endpoint"] = p.URL + "/userinfo"
		}
		if p.discover != nil {
			p.discover(answer)
		}
		reply(w, answer)
	case "/keys":
		reply(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig",
			"n": b64(rsaKey().N.Bytes()), "e": b64(big.NewInt(int64(rsaKey().E)).Bytes()),
		}}})
	case "/token":
		p.answerToken(w, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		reply(w, p.userInfo)
	default:
		http.NotFound(w, r)
	}
}

func (p *idp) answerToken(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	p.mu.Lock()
	nonce, challenge := p.nonce, p.challenge
	p.mu.Unlock()
	if !basic || id != clientID || secret != clientSecret || r.PostFormValue("code") != theCode || b64(verifier[:]) != challenge {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		reply(w, map[string]any{"error": "invalid_grant", "error_description": "verifier " + r.PostFormValue("code_verifier")})
		return
	}
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": clientID, "sub": "subject-1", "nonce": nonce,
		"iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix(),
		"preferred_username": "Lisa", "email": "lisa@example.com", "email_verified": true,
	}
	if p.claims != nil {
		p.claims(claims)
	}
	sign := p.sign
	if sign == nil {
		sign = signed(jwt.SigningMethodRS256, "k1", rsaKey())
	}
	answer := map[string]any{"access_token": accessToken, "token_type": "Bearer", "expires_in": 60, "id_token": sign(claims)}
	if p.token != nil {
		p.token(answer)
	}
	reply(w, answer)
}

func signed(method jwt.SigningMethod, kid string, key any) func(jwt.MapClaims) string {
	return func(claims jwt.MapClaims) string {
		token := jwt.NewWithClaims(method, claims)
		if kid != "" {
			token.Header["kid"] = kid
		}
		text, err := token.SignedString(key)
		if err != nil {
			panic(err)
		}
		return text
	}
}

func reply(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *idp) config() auth.OIDCProvider {
	return auth.OIDCProvider{ClientID: clientID, ClientSecret: auth.NewSecret(clientSecret), ProviderURL: p.URL}
}

// oidcWorld is a service with one provider, idp.
type oidcWorld struct {
	*world
	idp  *idp
	oidc *auth.OIDC
}

func setupOIDC(t *testing.T, change func(*idp, *auth.OIDCProvider)) *oidcWorld {
	t.Helper()
	w := &oidcWorld{world: setup(t, auth.Config{})}
	w.idp = newIDP(t, w.clock.now)
	cfg := w.idp.config()
	if change != nil {
		change(w.idp, &cfg)
	}
	w.oidc = w.providers(t, map[string]auth.OIDCProvider{"idp": cfg})
	return w
}

// providers are reached without connections that outlive the test.
func (w *oidcWorld) providers(t *testing.T, list map[string]auth.OIDCProvider) *auth.OIDC {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	o, err := auth.NewOIDC(w.Service, list, auth.OIDCOptions{
		WebHost: "https://semaphore.example.com/", HTTP: &http.Client{Transport: transport}, Timeout: 5 * time.Second,
	})
	require.NoError(t, err)
	return o
}

// begun is a browser that was sent to a provider.
type begun struct {
	cookie *http.Cookie
	to     *url.URL
}

func (b begun) state() string { return b.to.Query().Get("state") }

func (w *oidcWorld) begin(t *testing.T, o *auth.OIDC, provider, returnTo string) begun {
	t.Helper()
	rec := httptest.NewRecorder()
	require.NoError(t, o.Begin(rec, httptest.NewRequest(http.MethodGet, "/login", nil), provider, returnTo))
	require.Equal(t, http.StatusTemporaryRedirect, rec.Code)
	to, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(t, err)
	cookies := rec.Result().Cookies()
	require.Len(t, cookies, 1)
	w.idp.mu.Lock()
	w.idp.nonce, w.idp.challenge = to.Query().Get("nonce"), to.Query().Get("code_challenge")
	w.idp.mu.Unlock()
	return begun{cookie: cookies[0], to: to}
}

// callback is the request with which a browser comes back.
func callback(cookie *http.Cookie, query url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/redirect?"+query.Encode(), nil)
	if cookie != nil {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	return r
}

func (b begun) answer() *http.Request {
	return callback(b.cookie, url.Values{"state": {b.state()}, "code": {theCode}})
}

// finish goes the whole way.
func (w *oidcWorld) finish(t *testing.T, returnTo string) (auth.External, string, error) {
	t.Helper()
	b := w.begin(t, w.oidc, "idp", returnTo)
	return w.oidc.Finish(b.answer(), httptest.NewRecorder(), "idp")
}
