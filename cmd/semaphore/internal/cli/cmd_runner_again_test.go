//go:build linux

package cli_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// losing is a way to a server on which so many answers to registrations are lost.
func losing(t *testing.T, s *server, answers int64) (address string, calls *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(s.url)
	require.NoError(t, err)
	calls = &atomic.Int64{}
	to := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/enroll") && calls.Add(1) <= answers {
			to.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL, calls
}

func TestATokenWhoseAnswerWasLostRegistersItsRunner(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	var place struct {
		ID    int64
		Token string
	}
	s.must("POST", "/runners/enrollment", map[string]any{"name": "box"}, &place)
	way, _ := losing(t, s, 1)
	b := newBox(t, s, "SEMAPHORE_WEB_ROOT="+way)
	out, err := b.run(place.Token+"\n", "register", "--stdin-registration-token")
	require.Error(t, err, out)
	require.NoFileExists(t, filepath.Join(b.dir, "runner_token.txt"))

	other := newBox(t, s)
	out, err = other.run(place.Token+"\n", "register", "--stdin-registration-token")
	require.Error(t, err)
	require.Contains(t, out, "ask an administrator for another", "it is used up for others")

	out, err = b.run(place.Token+"\n", "register", "--stdin-registration-token")
	require.NoError(t, err, out)
	require.NoFileExists(t, filepath.Join(b.dir, "runner_registration.txt"))
	b.start()
	var runners []store.Runner
	s.must("GET", "/runners", nil, &runners)
	require.Len(t, runners, 1)
	require.Equal(t, place.ID, runners[0].ID)
	require.Contains(t, runners[0].Host, "linux/", "it works with what it was told the second time")
}

func TestAStartThatRegistersMakesOneRunner(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	way, calls := losing(t, s, 1)
	b := newBox(t, s, "SEMAPHORE_WEB_ROOT="+way, "SEMAPHORE_RUNNER_REGISTRATION_TOKEN="+farToken)
	b.start("--register")
	require.EqualValues(t, 2, calls.Load())
	var runners []store.Runner
	s.must("GET", "/runners", nil, &runners)
	require.Len(t, runners, 1)
}
