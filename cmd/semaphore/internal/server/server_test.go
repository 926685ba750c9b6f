package server_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/server"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// options serves a fresh directory, configured by variables.
func options(t *testing.T, env ...string) server.Options {
	t.Helper()
	base := []string{"SEMAPHORE_DATA_DIR=" + t.TempDir(), "SEMAPHORE_PORT=0", "SEMAPHORE_INTERFACE=127.0.0.1"}
	cfg, _, err := config.Load(config.Options{NoFile: true, Env: append(base, env...)})
	require.NoError(t, err)
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	return server.Options{Config: cfg, Store: memory.New(memory.Config{}), Ring: ring, Notes: io.Discard, Log: slog.New(slog.DiscardHandler)}
}

func TestWhatCannotWorkIsNamedBeforeAnythingIsServed(t *testing.T) {
	t.Parallel()
	for env, says := range map[string]string{
		"SEMAPHORE_PROCESS_USER=nobody-of-this-name":                  "process.user",
		"SEMAPHORE_PROCESS_CHROOT=/srv":                               "process.chroot is not supported",
		"SEMAPHORE_TLS_ENABLED=yes SEMAPHORE_TLS_CERT_FILE=/none.pem": "check tls.cert_file and tls.key_file",
		"SEMAPHORE_LDAP_ENABLE=yes SEMAPHORE_LDAP_SERVER=ldap SEMAPHORE_LDAP_SEARCH_DN=dc=x SEMAPHORE_LDAP_CA_FILE=/none.pem": "ldap_ca_file",
		"SEMAPHORE_EMAIL_ALERT=yes":                            "e-mail",
		"SEMAPHORE_EMAIL_2TP_ENABLED=yes":                      "auth.email needs a mail server",
		"SEMAPHORE_INTERFACE=192.0.2.1":                        "choose another port or interface",
		"SEMAPHORE_TMP_PATH=/proc/nothing/can/be/made/in/here": "directory of links",
	} {
		var notes bytes.Buffer
		o := options(t, strings.Fields(env)...)
		o.Notes = &notes
		o.Ready = func(string) { require.Fail(t, "it is not ready", env) }
		require.ErrorContains(t, server.Run(t.Context(), o), says, env)
		require.Empty(t, notes.String(), env)
		users, err := o.Store.Users().Count(t.Context(), 0, store.Query{})
		require.NoError(t, err)
		require.Zero(t, users, "nothing is made: %s", env)
	}
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Config.TmpPath = filepath.Join(t.TempDir(), strings.Repeat("x", 60))
	links, err := server.LinkDir(o.Config.TmpPath)
	require.NoError(t, err)
	ready := make(chan string, 1)
	o.Ready = func(url string) { ready <- url }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, o) }()
	select {
	case url := <-ready:
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Get(url + "/api/ping")
		require.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, "pong", string(text))
	case err := <-done:
		require.NoError(t, err)
	}
	require.DirExists(t, links)
	cancel()
	require.NoError(t, <-done)
	require.NoDirExists(t, links)
}

func TestADatabaseIsOwnedBeforeAnythingIsMadeInIt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "semaphore.db")
	st, err := sqlite.Open(t.Context(), file, sqlite.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	release, err := st.Own(t.Context())
	require.NoError(t, err)
	o := options(t)
	o.Store = st
	var owned *store.OwnedError
	require.ErrorAs(t, server.Run(t.Context(), o), &owned)
	require.Equal(t, file, owned.File)
	users, err := st.Users().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Zero(t, users)

	require.NoError(t, release())
	ctx, cancel := context.WithCancel(t.Context())
	o.Ready = func(string) {
		_, err := st.Own(t.Context())
		require.ErrorAs(t, err, &owned, "the server has it")
		cancel()
	}
	require.NoError(t, server.Run(ctx, o))
	release, err = st.Own(t.Context())
	require.NoError(t, err, "and gives it back")
	require.NoError(t, release())
}

func TestPlainRequestsAreSentToTheSameHostByTLS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		port           int
		host, path, to string
	}{
		{443, "ci.example.org", "/a?b=c", "https://ci.example.org/a?b=c"},
		{443, "ci.example.org:80", "/", "https://ci.example.org/"},
		{8443, "ci.example.org:8080", "/a%2Fb", "https://ci.example.org:8443/a%2Fb"},
		{8443, "[::1]:8080", "/", "https://[::1]:8443/"},
		{8443, "ci.example.org", "//evil.example.org/", "https://ci.example.org:8443//evil.example.org/"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		u, err := r.URL.Parse("http://x" + c.path)
		require.NoError(t, err)
		u.Scheme, u.Host = "", ""
		r.URL, r.Host = u, c.host
		w := httptest.NewRecorder()
		server.ToHTTPS(c.port).ServeHTTP(w, r)
		require.Equal(t, http.StatusPermanentRedirect, w.Code)
		require.Equal(t, c.to, w.Header().Get("Location"))
	}
}
