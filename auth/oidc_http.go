package auth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/internal/outgoing"
)

const (
	maxOIDCAnswer    = 1 << 20 // bytes
	maxOIDCRedirects = 3
	oidcHTTPTimeout  = 10 * time.Second
)

// oidcHTTP makes a client fit for providers.
func oidcHTTP(given *http.Client) *http.Client {
	if given == nil {
		// The administrator chose whom we ask.
		given = outgoing.Client(outgoing.Config{Trusted: true, Timeout: oidcHTTPTimeout, MaxBody: maxOIDCAnswer})
	}
	client := *given
	client.Jar = nil
	client.CheckRedirect = followReads
	if client.Timeout == 0 {
		client.Timeout = oidcHTTPTimeout
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = boundedTransport{client.Transport}
	return &client
}

// followReads follows redirects of what carries no secret: a POST has the code
// and our secret.
func followReads(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxOIDCRedirects:
		return fmt.Errorf("more than %d redirects", maxOIDCRedirects)
	case first.Method != http.MethodGet || first.Header.Get("Authorization") != "":
		return errors.New("redirect of a request with a secret: not followed")
	case via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("redirect from https to http: not followed")
	}
	return nil
}

// boundedTransport cuts answers off.
type boundedTransport struct{ next http.RoundTripper }

// RoundTrip sends one request.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxOIDCAnswer}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read fails where an answer goes on for too long.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("answer of the provider has more than %d bytes", maxOIDCAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
