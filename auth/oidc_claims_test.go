package auth_test

import (
	"net/http"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
)

func TestUserInfoIsAskedForWhatTheTokenLacks(t *testing.T) {
	t.Parallel()
	info := map[string]any{
		"sub": "subject-1", "email": "info@example.com", "email_verified": false,
		"preferred_username": "from info", "groups": []string{"ops"},
	}
	for _, test := range []struct {
		name   string
		change func(*idp, *auth.OIDCProvider)
		asked  int
		email  string
		user   string
		groups []string
		says   any
	}{
		{"nothing", func(*idp, *auth.OIDCProvider) {}, 0, "lisa@example.com", "Lisa", nil, true},
		{"the address", func(p *idp, _ *auth.OIDCProvider) { drop("email")(p) }, 1, "info@example.com", "Lisa", []string{"ops"}, false},
		{"the name", func(p *idp, _ *auth.OIDCProvider) { drop("preferred_username")(p) }, 1, "lisa@example.com", "from info", []string{"ops"}, true},
		{"groups", func(_ *idp, c *auth.OIDCProvider) { c.ReadGroups = true }, 1, "lisa@example.com", "Lisa", []string{"ops"}, true},
		{"groups that it has", func(p *idp, c *auth.OIDCProvider) {
			c.ReadGroups = true
			set("groups", []string{"dev", "a"})(p)
		}, 0, "lisa@example.com", "Lisa", []string{"dev", "a"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setupOIDC(t, func(p *idp, cfg *auth.OIDCProvider) {
				p.userInfo = info
				test.change(p, cfg)
			})
			ext, _, err := w.finish(t, "")
			require.NoError(t, err)
			require.Equal(t, test.email, ext.Email)
			require.Equal(t, test.user, ext.Username)
			require.Equal(t, test.groups, ext.Groups)
			require.Equal(t, test.says, *ext.EmailVerified, "what is said where the address is from")
			require.Equal(t, test.asked, w.idp.asked["/userinfo"])
		})
	}
	t.Run("that of somebody else is refused", func(t *testing.T) {
		t.Parallel()
		w := setupOIDC(t, func(p *idp, _ *auth.OIDCProvider) {
			p.userInfo = map[string]any{"sub": "subject-2", "email": "victim@example.com", "email_verified": true}
			drop("email")(p)
		})
		_, _, err := w.finish(t, "")
		require.ErrorContains(t, err, "somebody else")
	})
}

func TestAnAccountWithoutANameGetsOne(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, func(p *idp, _ *auth.OIDCProvider) { drop("preferred_username")(p) })
	ext, _, err := w.finish(t, "")
	require.NoError(t, err)
	require.Equal(t, "Anonymous", ext.Name)
	require.Regexp(t, "^[0-9a-f]{16}$", ext.Username)
}

func TestClaimsArePickedByExpressions(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, func(p *idp, c *auth.OIDCProvider) {
		p.claims = func(claims jwt.MapClaims) {
			claims["uid"], claims["given"], claims["family"] = 1234567890123456789, "Lisa", "Simpson"
			claims["realm_access"] = map[string]any{"roles": []string{"ops"}}
		}
		c.UsernameClaim, c.NameClaim, c.GroupsClaim = "login|uid", "{{ .given }} {{ .family }}", "realm_access.roles"
	})
	ext, _, err := w.finish(t, "")
	require.NoError(t, err)
	require.Equal(t, "1234567890123456789", ext.Username)
	require.Equal(t, "Lisa Simpson", ext.Name)
	require.Equal(t, []string{"ops"}, ext.Groups)
}

func TestGroupsThatTheProviderKeepsElsewhereAreNoGroupsLost(t *testing.T) {
	t.Parallel()
	w := setupOIDC(t, func(p *idp, c *auth.OIDCProvider) {
		p.claims = func(claims jwt.MapClaims) {
			claims["_claim_names"] = map[string]any{"groups": "src1"}
			claims["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": "https://x"}}
		}
		c.ReadGroups = true
	})
	_, _, err := w.finish(t, "")
	require.ErrorIs(t, err, auth.ErrExternal)
	require.ErrorContains(t, err, "so many groups")
}

func TestAProviderByItsAddresses(t *testing.T) {
	t.Parallel()
	endpoint := func(p *idp, cfg *auth.OIDCProvider) {
		cfg.ProviderURL = ""
		cfg.Endpoint = auth.OIDCEndpoint{Issuer: p.URL, Auth: p.URL + "/auth", Token: p.URL + "/token", JWKS: p.URL + "/keys"}
	}
	t.Run("is not discovered, and its tokens are verified", func(t *testing.T) {
		t.Parallel()
		w := setupOIDC(t, endpoint)
		ext, _, err := w.finish(t, "")
		require.NoError(t, err)
		require.Equal(t, w.idp.URL, ext.Issuer)
		require.Zero(t, w.idp.asked["/.well-known/openid-configuration"])
		set("aud", "another")(w.idp)
		_, _, err = w.finish(t, "")
		require.ErrorContains(t, err, "audience")
	})
	t.Run("tells by user info who somebody is, if it has no tokens of identity", func(t *testing.T) {
		t.Parallel()
		w := setupOIDC(t, func(p *idp, cfg *auth.OIDCProvider) {
			cfg.ProviderURL = ""
			cfg.Endpoint = auth.OIDCEndpoint{Auth: p.URL + "/auth", Token: p.URL + "/token", UserInfo: p.URL + "/userinfo"}
			cfg.UsernameClaim = "login"
			p.userInfo = map[string]any{"id": 583231, "login": "octocat", "email": "octocat@example.com"}
			answered("id_token", "whatever")(p)
		})
		ext, _, err := w.finish(t, "")
		require.NoError(t, err)
		require.Equal(t, w.idp.URL+"/token", ext.Issuer)
		require.Equal(t, "583231", ext.Subject)
		require.Equal(t, "octocat", ext.Username)
		delete(w.idp.userInfo, "id")
		_, _, err = w.finish(t, "")
		require.ErrorIs(t, err, auth.ErrExternal)
	})
}

func TestAClientShowsItsSecretAsTheProviderWantsIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		methods []string
		secret  string
		basic   bool
	}{
		{"a provider that says nothing", nil, clientSecret, true},
		{"a provider that takes both", []string{"client_secret_post", "client_secret_basic"}, clientSecret, true},
		{"a provider that reads the body", []string{"client_secret_post"}, clientSecret, false},
		{"a client without a secret", nil, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setupOIDC(t, func(p *idp, cfg *auth.OIDCProvider) {
				cfg.ClientSecret = auth.NewSecret(test.secret)
				p.discover = func(a map[string]any) {
					if test.methods != nil {
						a["token_endpoint_auth_methods_supported"] = test.methods
					}
				}
			})
			seen := make(chan [2]string, 2)
			w.idp.take["/token"] = func(rw http.ResponseWriter, r *http.Request) {
				_, secret, _ := r.BasicAuth()
				seen <- [2]string{secret, r.PostFormValue("client_secret")}
				http.Error(rw, "no", http.StatusBadRequest)
			}
			_, _, err := w.finish(t, "")
			require.Error(t, err)
			want := [2]string{"", test.secret}
			if test.basic {
				want = [2]string{test.secret, ""}
			}
			require.Equal(t, want, <-seen)
			require.Empty(t, seen, "once: a code is good for one try")
		})
	}
}
