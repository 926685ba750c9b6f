package e2e_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the provider logs each request
	goleak.VerifyTestMain(m)
}

// noApps is a catalogue of nothing.
type noApps struct{}

func (noApps) List(context.Context) ([]api.App, error)           { return nil, nil }
func (noApps) Set(context.Context, store.Store, api.App) error   { return nil }
func (noApps) Delete(context.Context, store.Store, string) error { return nil }

// signIns are providers as the server wants them.
type signIns struct{ *auth.OIDC }

// Providers lists the buttons.
func (s signIns) Providers() []api.Provider {
	var list []api.Provider
	for _, p := range s.OIDC.Providers() {
		list = append(list, api.Provider(p))
	}
	return list
}

// server is the whole server on a store in memory.
type server struct {
	*httptest.Server
	st   store.Store
	auth *auth.Service
}

// startServer starts a server whose providers are known only when its address is.
func startServer(t *testing.T, providers func(address string) map[string]auth.OIDCProvider) *server {
	t.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	st := memory.New(memory.Config{})
	tasks, err := pool.New(st, pool.Config{Ring: ring})
	require.NoError(t, err)
	service, err := auth.New(st, auth.Config{Ring: ring, BcryptCost: 4})
	require.NoError(t, err)
	s := &server{Server: httptest.NewUnstartedServer(nil), st: st, auth: service}
	address := "http://" + s.Listener.Addr().String()
	transport := &http.Transport{DisableKeepAlives: true}
	oidc, err := auth.NewOIDC(service, providers(address), auth.OIDCOptions{WebHost: address, HTTP: &http.Client{Transport: transport}})
	require.NoError(t, err)
	handler, err := api.New(api.Config{
		Store: st, Pool: tasks, Auth: service, Ring: ring, Apps: noApps{}, SignIns: signIns{oidc}, WebHost: address,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, handler.Close()) })
	s.Config.Handler = handler.Handler()
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// browser keeps cookies, follows redirects and remembers them.
type browser struct {
	*http.Client
	visited []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b := &browser{}
	b.Client = &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		b.visited = append(b.visited, next.URL.String())
		return nil
	}}
	return b
}

// get returns the page that a browser arrives at.
func (b *browser) get(t *testing.T, address string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return b.page(t, r)
}

func (b *browser) page(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := b.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(text)
}
