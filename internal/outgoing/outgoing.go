// Package outgoing makes HTTP clients for addresses that somebody else chose. A
// client of [Client] reaches public addresses only, unless more is allowed: a
// member of a project cannot make the server look into the network that it
// stands in.
package outgoing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrRefused tells that an address may not be reached.
var ErrRefused = errors.New("address is not allowed")

// ErrTooLarge tells that an answer was longer than allowed.
var ErrTooLarge = errors.New("answer is too large")

const maxRedirects = 5

// Config configures a client. Its zero value reaches public addresses.
type Config struct {
	// Allow lists networks that may be reached although they are not public. The
	// metadata services of clouds may not, whatever it says.
	Allow []netip.Prefix
	// Trusted is for addresses that the administrator chose: any may be reached.
	Trusted bool
	// Timeout is how long a request may take, redirects and body included.
	// Defaults to 10 s.
	Timeout time.Duration
	// MaxBody is how long an answer may be. Defaults to 1 MiB.
	MaxBody int64
	// Proxy chooses a proxy. Defaults to what HTTP_PROXY, HTTPS_PROXY and NO_PROXY
	// say.
	Proxy func(*http.Request) (*url.URL, error)
	// Resolver finds addresses of names. Defaults to net.DefaultResolver.
	Resolver *net.Resolver
}

// Client makes a client. It follows up to five redirects, none of them from
// https to http, and judges each host anew.
//
// Without a proxy the rule holds for the address that is connected to, after
// its name was resolved, so no name and no spelling of an address leads around
// it. The proxy itself is the administrator's and may be anywhere; behind it the
// rule holds for addresses, and for names as far as this machine can resolve
// them: what the proxy resolves in another way is the proxy's to refuse.
//
// Errors of an http.Client hold the URL: whoever keeps a secret in it has to
// unwrap them.
func Client(cfg Config) *http.Client {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	if cfg.Proxy == nil {
		cfg.Proxy = http.ProxyFromEnvironment
	}
	if cfg.Resolver == nil {
		cfg.Resolver = net.DefaultResolver
	}
	g := &guard{cfg: cfg, rule: rule{allow: cfg.Allow, trusted: cfg.Trusted}}
	g.direct = transport(cfg, nil, g.control)
	g.proxied = transport(cfg, func(r *http.Request) (*url.URL, error) { return cfg.Proxy(r) }, nil)
	return &http.Client{Transport: g, Timeout: cfg.Timeout, CheckRedirect: checkRedirect}
}

func transport(cfg Config, proxy func(*http.Request) (*url.URL, error), control func(network, address string, c syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.Timeout, Resolver: cfg.Resolver, Control: control}
	return &http.Transport{
		Proxy: proxy, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: cfg.Timeout, ResponseHeaderTimeout: cfg.Timeout, IdleConnTimeout: 30 * time.Second,
		MaxIdleConns: 16, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10,
	}
}

func checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("redirect from https to http: not followed")
	}
	return nil
}

// guard is a transport that judges where requests go.
type guard struct {
	cfg     Config
	rule    rule
	direct  *http.Transport
	proxied *http.Transport
}

// RoundTrip sends one request; redirects come here again.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	proxy, err := g.cfg.Proxy(r)
	if err != nil {
		return nil, fmt.Errorf("choose proxy: %w", err)
	}
	if host := r.URL.Hostname(); !g.rule.trusted && numeric(host) {
		return nil, fmt.Errorf("%w: %q is an unusual spelling of an address", ErrRefused, host)
	}
	by := g.direct
	if proxy != nil {
		if err := g.behindProxy(r.Context(), r.URL.Hostname()); err != nil {
			return nil, err
		}
		by = g.proxied
	}
	resp, err := by.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limited{ReadCloser: resp.Body, left: g.cfg.MaxBody}
	return resp, nil
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (g *guard) CloseIdleConnections() {
	g.direct.CloseIdleConnections()
	g.proxied.CloseIdleConnections()
}

// control sees each address right before it is connected to.
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q", ErrRefused, address)
	}
	return g.rule.check(to.Addr())
}

// behindProxy judges a host that a proxy is going to connect to.
func (g *guard) behindProxy(ctx context.Context, host string) error {
	if g.rule.trusted {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.rule.check(addr)
	}
	found, err := g.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil // where a proxy is needed, names are often its matter alone
	}
	for _, addr := range found {
		if err := g.rule.check(addr); err != nil {
			return err
		}
	}
	return nil
}

// limited is a body that ends in an error where it is too long.
type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if int64(n) > l.left {
		n, err = int(l.left), ErrTooLarge
	}
	l.left -= int64(n)
	return n, err
}
