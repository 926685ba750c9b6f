package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

const password = "correct horse"

// people are the accounts of the provider.
type people map[string]*storage.User

func (p people) GetUserByID(id string) *storage.User { return p[id] }
func (p people) ExampleClientID() string             { return storage.ServiceUserID }

func (p people) GetUserByUsername(name string) *storage.User {
	for _, user := range p {
		if user.Username == name {
			return user
		}
	}
	return nil
}

// provider is a real provider of OpenID Connect.
type provider struct {
	*httptest.Server
	people people
}

// startProvider starts one with the clients web, which has a secret, and native,
// which has none.
func startProvider(t *testing.T, redirectURLs map[string]string) *provider {
	t.Helper()
	p := &provider{Server: httptest.NewUnstartedServer(nil), people: people{
		"1": {ID: "1", Username: "lisa", Password: password, FirstName: "Lisa", LastName: "Simpson", Email: "lisa@example.com", EmailVerified: true},
		"2": {ID: "2", Username: "bart", Password: password, FirstName: "Bart", LastName: "Simpson", Email: "bart@example.com"},
		"3": {ID: "3", Username: "alice", Password: password, FirstName: "Not", LastName: "Alice", Email: "alice@example.com", EmailVerified: true},
	}}
	clients := map[string]*storage.Client{
		"web":    storage.WebClient("web", "secret", redirectURLs["web"]),
		"native": storage.NativeClient("native", redirectURLs["native"]),
	}
	issuer := "http://" + p.Listener.Addr().String()
	p.Config.Handler = exampleop.SetupServer(issuer, storage.NewStorageWithClients(p.people, clients), nil, false)
	p.Start()
	t.Cleanup(p.Close)
	return p
}

// world is a server and a provider that know each other.
type world struct {
	*server
	provider *provider
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{}
	w.server = startServer(t, func(address string) map[string]auth.OIDCProvider {
		redirect := func(id string) string { return address + "/api/auth/oidc/" + id + "/redirect" }
		w.provider = startProvider(t, map[string]string{"web": redirect("web"), "native": redirect("native")})
		cfg := auth.OIDCProvider{ProviderURL: w.provider.URL, NameClaim: "{{ .given_name }} {{ .family_name }}"}
		web, native := cfg, cfg
		web.ClientID, web.ClientSecret = "web", auth.NewSecret("secret")
		native.ClientID = "native"
		// The provider does not say of an address that it is not verified.
		web.EmailVerified = auth.EmailRequire
		return map[string]auth.OIDCProvider{"web": web, "native": native}
	})
	_, err := w.st.Users().Create(t.Context(), store.User{Username: "alice", Name: "Alice", Email: "alice@example.com"})
	require.NoError(t, err)
	return w
}

// signIn goes from the button to the page that comes after the provider's.
func (w *world) signIn(t *testing.T, b *browser, client, login, password string) *http.Response {
	t.Helper()
	page, _ := b.get(t, w.URL+"/api/auth/oidc/"+client+"/login?return=/project/7/history")
	require.Equal(t, w.provider.URL, page.Request.URL.Scheme+"://"+page.Request.URL.Host, "the login page of the provider")
	form := url.Values{"id": {page.Request.URL.Query().Get("authRequestID")}, "username": {login}, "password": {password}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.provider.URL+"/login/username", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	page, _ = b.page(t, r)
	return page
}

// user is who the server takes a browser for; nil for nobody.
func (w *world) user(t *testing.T, b *browser) *store.User {
	t.Helper()
	page, text := b.get(t, w.URL+"/api/user")
	if page.StatusCode == http.StatusUnauthorized {
		return nil
	}
	require.Equal(t, http.StatusOK, page.StatusCode, text)
	var user store.User
	require.NoError(t, json.Unmarshal([]byte(text), &user))
	return &user
}

func TestSignInByARealProvider(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var first int64
	for _, client := range []string{"web", "native", "web"} {
		b := newBrowser(t)
		require.Nil(t, w.user(t, b))
		page := w.signIn(t, b, client, "lisa", password)
		require.Equal(t, w.URL+"/project/7/history", page.Request.URL.String(), "where the sign-in began")
		user := w.user(t, b)
		require.NotNil(t, user)
		require.Equal(t, "lisa", user.Username)
		require.Equal(t, "Lisa Simpson", user.Name)
		require.Equal(t, "lisa@example.com", user.Email)
		require.True(t, user.External)
		require.False(t, user.Admin)
		if first == 0 {
			first = user.ID
		}
		require.Equal(t, first, user.ID, "by client %s", client)
	}
}

func TestThoseWhomTheServerDoesNotTakeComeBackToTheLoginPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for login, why := range map[string]string{
		"alice": "a local account has that address",
		"bart":  "the provider does not say that it has verified the address",
	} {
		b := newBrowser(t)
		page := w.signIn(t, b, "web", login, password)
		require.Equal(t, w.URL+"/auth/login?why=account", page.Request.URL.String(), why)
		require.Nil(t, w.user(t, b), why)
	}
	b := newBrowser(t)
	page := w.signIn(t, b, "web", "lisa", "wrong")
	require.Equal(t, w.provider.URL, page.Request.URL.Scheme+"://"+page.Request.URL.Host)
	require.Nil(t, w.user(t, b))
}

func TestAnAnswerOfTheProviderIsGoodOnceAndForOneBrowser(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := newBrowser(t)
	w.signIn(t, b, "web", "lisa", password)
	require.NotNil(t, w.user(t, b))
	var answer string
	for _, address := range b.visited {
		if strings.HasPrefix(address, w.URL+"/api/auth/oidc/web/redirect?") {
			answer = address
		}
	}
	require.NotEmpty(t, answer)
	for _, who := range []*browser{b, newBrowser(t)} {
		page, _ := who.get(t, answer)
		require.Equal(t, w.URL+"/auth/login?why=state", page.Request.URL.String())
	}
	thief := newBrowser(t)
	_, _ = thief.get(t, w.URL+"/api/auth/oidc/web/login") // has a sign-in of its own
	_, _ = thief.get(t, answer)
	require.Nil(t, w.user(t, thief))
}
