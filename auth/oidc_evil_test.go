package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

func set(name string, value any) func(*idp) {
	return func(p *idp) { p.claims = func(c jwt.MapClaims) { c[name] = value } }
}

func drop(name string) func(*idp) {
	return func(p *idp) { p.claims = func(c jwt.MapClaims) { delete(c, name) } }
}

func answered(name string, value any) func(*idp) {
	return func(p *idp) { p.token = func(a map[string]any) { a[name] = value } }
}

func publicPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	past := time.Date(2026, 3, 1, 11, 59, 59, 0, time.UTC).Unix()
	for _, test := range []struct {
		name, contains string
		change         func(*idp)
	}{
		{"another nonce", "nonce", set("nonce", "another")},
		{"no nonce", "nonce", drop("nonce")},
		{"another audience", "audience", set("aud", "another client")},
		{"no audience", "audience", drop("aud")},
		{"several audiences and no client", "azp", set("aud", []string{clientID, "another"})},
		{"several audiences and another client", "azp", func(p *idp) {
			p.claims = func(c jwt.MapClaims) { c["aud"], c["azp"] = []string{clientID, "another"}, "another" }
		}},
		{"another issuer", "different provider", set("iss", "https://evil.example.com")},
		{"no issuer", "different provider", drop("iss")},
		{"expired", "expired", set("exp", past)},
		{"no expiry", "expired", drop("exp")},
		{"not valid yet", "not before", set("nbf", past+3600)},
		{"no subject", "no subject", drop("sub")},
		{"a subject that is too long", "no subject", set("sub", repeat("x", 256))},
		{"a subject with a line break", "no subject", set("sub", "a\nb")},
		{"no address", "tells no address", drop("email")},
		{"an address that is empty", "tells no address", set("email", " ")},
		{"no algorithm", "algorithm", func(p *idp) {
			p.sign = signed(jwt.SigningMethodNone, "k1", jwt.UnsafeAllowNoneSignatureType)
		}},
		{"HS256 with the public key", "algorithm", func(p *idp) { p.sign = signed(jwt.SigningMethodHS256, "k1", publicPEM(t)) }},
		{"HS256 with the secret of the client", "algorithm", func(p *idp) {
			p.sign = signed(jwt.SigningMethodHS256, "", []byte(clientSecret))
		}},
		{"another algorithm", "algorithm", func(p *idp) { p.sign = signed(jwt.SigningMethodRS512, "k1", rsaKey()) }},
		{"another key", "signature", func(p *idp) { p.sign = signed(jwt.SigningMethodRS256, "k1", other) }},
		{"another key of an unknown name", "signature", func(p *idp) { p.sign = signed(jwt.SigningMethodRS256, "k2", other) }},
		{"another key without a name", "signature", func(p *idp) { p.sign = signed(jwt.SigningMethodRS256, "", other) }},
		{"a signature that was cut off", "verify", func(p *idp) {
			p.sign = func(c jwt.MapClaims) string {
				text := signed(jwt.SigningMethodRS256, "k1", rsaKey())(c)
				return text[:strings.LastIndexByte(text, '.')+1]
			}
		}},
		{"no token of identity", "add openid", answered("id_token", "")},
		{"a token of identity that is none", "verify", answered("id_token", "x")},
		{"a token of identity that is a number", "add openid", answered("id_token", 1)},
		{"a hash of another access token", "access token", set("at_hash", "AAAA")},
		{"no access token", "exchange", answered("access_token", "")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setupOIDC(t, func(p *idp, _ *auth.OIDCProvider) { test.change(p) })
			ext, _, err := w.finish(t, "")
			require.ErrorContains(t, err, test.contains)
			require.NotContains(t, err.Error(), "canary")
			require.LessOrEqual(t, len(err.Error()), 500)
			require.Empty(t, ext)
		})
	}
}

func TestAddressesAreWorthWhatThePolicySays(t *testing.T) {
	t.Parallel()
	absent := func(*idp) {}
	says := func(value any) func(*idp) { return set("email_verified", value) }
	for _, test := range []struct {
		name   string
		policy auth.EmailPolicy
		change func(*idp)
		fine   bool
	}{
		{"the default and verified", "", says(true), true},
		{"the default and not verified", "", says(false), false},
		{"the default and nothing said", "", drop("email_verified"), true},
		{"if_present and verified as text", auth.EmailIfPresent, says("true"), true},
		{"if_present and not verified as text", auth.EmailIfPresent, says("false"), false},
		{"if_present and nonsense", auth.EmailIfPresent, says("perhaps"), false},
		{"require and verified", auth.EmailRequire, absent, true},
		{"require and not verified", auth.EmailRequire, says(false), false},
		{"require and nothing said", auth.EmailRequire, drop("email_verified"), false},
		{"require and null", auth.EmailRequire, says(nil), false},
		{"ignore and not verified", auth.EmailIgnore, says(false), true},
		{"ignore and nothing said", auth.EmailIgnore, drop("email_verified"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setupOIDC(t, func(p *idp, cfg *auth.OIDCProvider) {
				test.change(p)
				cfg.EmailVerified = test.policy
			})
			ext, _, err := w.finish(t, "")
			require.NoError(t, err)
			_, err = w.SignInExternal(t.Context(), w.client, ext)
			if test.fine {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, auth.ErrExternal)
			}
		})
	}
	t.Run("require and an address of another claim than the verified one", func(t *testing.T) {
		t.Parallel()
		w := setupOIDC(t, func(p *idp, cfg *auth.OIDCProvider) {
			set("upn", "victim@example.com")(p)
			cfg.EmailVerified, cfg.EmailClaim = auth.EmailRequire, "upn"
		})
		ext, _, err := w.finish(t, "")
		require.NoError(t, err)
		require.False(t, *ext.EmailVerified)
	})
}

func TestWhatTakesTooLongOrIsTooMuchIsGivenUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	slow := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server sees who goes away
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}
	huge := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"x":"`)
		chunk := []byte(repeat("x", 1<<16))
		for range 256 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `"}`)
	}
	broken := func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, repeat("canary ", 10_000), http.StatusInternalServerError)
	}
	for name, handler := range map[string]http.HandlerFunc{"slow": slow, "huge": huge, "broken": broken} {
		for _, path := range []string{"/.well-known/openid-configuration", "/token", "/keys", "/userinfo"} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				w := setupOIDC(t, func(p *idp, _ *auth.OIDCProvider) {
					p.userInfo = map[string]any{"sub": "subject-1"}
					drop("email")(p)
				})
				w.idp.take[path] = handler
				o, err := auth.NewOIDC(w.Service, map[string]auth.OIDCProvider{"idp": w.idp.config()}, auth.OIDCOptions{
					WebHost: "https://x", HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 500 * time.Millisecond},
				})
				require.NoError(t, err)
				began := time.Now()
				rec := httptest.NewRecorder()
				if path == "/.well-known/openid-configuration" {
					err = o.Begin(rec, httptest.NewRequest(http.MethodGet, "/", nil), "idp", "")
					require.Empty(t, rec.Header(), "nothing is written")
				} else {
					_, _, err = o.Finish(w.begin(t, o, "idp", "").answer(), rec, "idp")
				}
				require.Error(t, err)
				require.LessOrEqual(t, len(err.Error()), 500)
				require.Less(t, time.Since(began), 10*time.Second)
			})
		}
	}
}

func TestOurSecretFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/token", "/userinfo"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				t.Errorf("%s %s came", r.Method, r.URL)
			}))
			t.Cleanup(evil.Close)
			w := setupOIDC(t, func(p *idp, _ *auth.OIDCProvider) {
				p.userInfo = map[string]any{}
				drop("email")(p)
			})
			w.idp.take[path] = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, evil.URL, http.StatusTemporaryRedirect)
			}
			_, _, err := w.finish(t, "")
			require.ErrorContains(t, err, "not followed")
		})
	}
}

func TestADeadProviderHoldsNobodyBackAndMayComeBack(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, nil)
	alive, dead := w.idp, newIDP(t, w.clock.now)
	dead.take["/.well-known/openid-configuration"] = func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "down", http.StatusBadGateway)
	}
	w.oidc = w.providers(t, map[string]auth.OIDCProvider{"idp": alive.config(), "dead": dead.config()})
	begin := func() error {
		return w.oidc.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), "dead", "")
	}
	require.ErrorContains(t, begin(), "502")
	require.ErrorContains(t, begin(), "502")
	require.Equal(t, 1, dead.asked["/.well-known/openid-configuration"], "nobody waits twice in a moment")
	_, _, err := w.finish(t, "")
	require.NoError(t, err)

	dead.mu.Lock()
	clear(dead.take)
	dead.mu.Unlock()
	w.clock.add(2 * time.Second)
	require.NoError(t, begin())
	dead.mu.Lock()
	dead.take["/.well-known/openid-configuration"] = func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "down", http.StatusBadGateway)
	}
	dead.mu.Unlock()
	w.clock.add(2 * time.Hour)
	require.NoError(t, begin(), "what was found before is better than nothing")
	require.Equal(t, 3, dead.asked["/.well-known/openid-configuration"])
}

func TestAProviderThatClaimsToBeAnotherIsNotDiscovered(t *testing.T) {
	t.Parallel()
	for contains, change := range map[string]func(map[string]any){
		"issuer":             func(a map[string]any) { a["issuer"] = "https://accounts.example.com" },
		"tells no addresses": func(a map[string]any) { delete(a, "jwks_uri") },
	} {
		w := setupOIDC(t, func(p *idp, _ *auth.OIDCProvider) { p.discover = change })
		err := w.oidc.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), "idp", "")
		require.ErrorContains(t, err, contains)
	}
}
