package outgoing_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/internal/outgoing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// deadProxy names a proxy that refuses connections.
func deadProxy(*http.Request) (*url.URL, error) {
	return &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil
}

func clientOf(t *testing.T, cfg outgoing.Config) *http.Client {
	t.Helper()
	if cfg.Proxy == nil {
		cfg.Proxy = noProxy
	}
	client := outgoing.Client(cfg)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// get fetches a page as a whole.
func get(t *testing.T, client *http.Client, address string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// newDNS is a resolver that knows some names, and says of all others that they
// do not exist.
func newDNS(t *testing.T, names map[string]string) *net.Resolver {
	t.Helper()
	server, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		packet := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(answer(packet[:n], names), from)
		}
	}()
	t.Cleanup(func() { server.Close(); <-done })
	return &net.Resolver{PreferGo: true, StrictErrors: false, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// answer answers a question for an address of version 4 or 6.
func answer(query []byte, names map[string]string) []byte {
	name, at := "", 12
	for query[at] != 0 {
		size := int(query[at])
		name += string(query[at+1:at+1+size]) + "."
		at += 1 + size
	}
	question := query[12 : at+5]
	kind := query[at+2]
	known, ok := names[strings.ToLower(name)]
	head := []byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}
	if !ok {
		head[3] |= 3
		return append(head, question...)
	}
	data := netip.MustParseAddr(known).AsSlice()
	if wanted := map[int]byte{4: 1, 16: 28}[len(data)]; wanted != kind {
		return append(head, question...)
	}
	head[7] = 1
	reply := append(head, question...)
	reply = append(reply, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, byte(len(data)))
	return append(reply, data...)
}

func TestNamesAreJudgedByTheirAddresses(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	port := server.Listener.Addr().(*net.TCPAddr).Port
	names := map[string]string{"inside.example.": "127.0.0.1", "inside6.example.": "::1", "mapped.example.": "::ffff:127.0.0.1", "meta.example.": "169.254.169.254"}
	for name := range names {
		host := "http://" + strings.TrimSuffix(name, ".") + ":" + strconv.Itoa(port)
		require.ErrorIs(t, get(t, clientOf(t, outgoing.Config{Resolver: newDNS(t, names)}), host), outgoing.ErrRefused, name)
		require.ErrorIs(t, get(t, clientOf(t, outgoing.Config{Resolver: newDNS(t, names), Proxy: deadProxy}), host), outgoing.ErrRefused, name)
	}
	require.ErrorIs(t, get(t, clientOf(t, outgoing.Config{}), "http://localhost:"+strconv.Itoa(port)), outgoing.ErrRefused)
	require.Zero(t, hits.Load())
	require.NoError(t, get(t, clientOf(t, outgoing.Config{Resolver: newDNS(t, names), Trusted: true}), "http://inside.example:"+strconv.Itoa(port)))
	require.EqualValues(t, 1, hits.Load())
}

func TestRedirectsAreJudgedToo(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	inside := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	target := inside.URL
	// The first hop is at 127.0.0.2, which is allowed.
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("no second loopback address: %v", err)
	}
	outside := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			target = "/loop"
		}
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	}))
	outside.Listener.Close()
	outside.Listener = listener
	outside.Start()
	t.Cleanup(outside.Close)
	client := clientOf(t, outgoing.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	require.ErrorIs(t, get(t, client, outside.URL), outgoing.ErrRefused)
	require.Zero(t, hits.Load())
	require.ErrorContains(t, get(t, client, outside.URL+"/loop"), "stopped after 5 redirects")
}

func TestARedirectFromHTTPSToHTTPIsNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	open := serve(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	client := clientOf(t, outgoing.Config{Trusted: true})
	next, err := http.NewRequestWithContext(t.Context(), http.MethodGet, open.URL, nil)
	require.NoError(t, err)
	before, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1/", nil)
	require.NoError(t, err)
	require.ErrorContains(t, client.CheckRedirect(next, []*http.Request{before}), "from https to http")
	require.NoError(t, client.CheckRedirect(before, []*http.Request{next}))
	require.Zero(t, hits.Load())
}

func TestAProxyIsUsed(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	proxy := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.String() })
	where, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	client := clientOf(t, outgoing.Config{Resolver: newDNS(t, nil), Proxy: http.ProxyURL(where)})
	require.NoError(t, get(t, client, "http://hook.example/path"), "the proxy may be on a private address")
	require.Equal(t, "http://hook.example/path", <-asked)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-release
		case "/long":
			_, _ = w.Write(make([]byte, 11))
		default:
			_, _ = w.Write(make([]byte, 10))
		}
	})
	client := clientOf(t, outgoing.Config{Trusted: true, MaxBody: 10, Timeout: 500 * time.Millisecond})
	require.NoError(t, get(t, client, server.URL+"/right"))
	require.ErrorIs(t, get(t, client, server.URL+"/long"), outgoing.ErrTooLarge)
	err := get(t, client, server.URL+"/slow")
	close(release)
	var timeout net.Error
	require.True(t, errors.As(err, &timeout) && timeout.Timeout(), "%v", err)
	require.ErrorContains(t, get(t, client, "file:///etc/passwd"), "unsupported protocol scheme")
	require.ErrorContains(t, get(t, client, "gopher://example.com/"), "unsupported protocol scheme")
}
