package secret

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/pool"
)

// callTimeout bounds one request to a storage's server.
const callTimeout = 10 * time.Second

// caller sends requests to the server of a storage.
type caller struct {
	client  *http.Client
	base    *url.URL
	final   func(error) bool // errors of client that trying again does not mend
	product string           // for errors
}

// reply is a server's answer, its body at most maxValue bytes.
type reply struct {
	status int
	body   []byte
}

// newCaller returns a caller whose requests stay with the server they are meant
// for: a redirect elsewhere would take the token along.
func newCaller(client *http.Client, base *url.URL, final func(error) bool, product string) *caller {
	own := *client
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Scheme != via[0].URL.Scheme || req.URL.Host != via[0].URL.Host || len(via) > 5 {
			return errElsewhere
		}
		return nil
	}
	own.Jar = nil
	return &caller{client: &own, base: base, final: final, product: product}
}

var errElsewhere = errors.New("the server sends us to another address")

// do sends a request to a path of escaped segments. Answers that tell of a
// passing trouble are errors that wrap pool.ErrTemporary.
func (c *caller) do(ctx context.Context, method, path string, header http.Header, body []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	address := strings.TrimSuffix(c.base.String(), "/") + path
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("%s: the address cannot be used: correct the url of the storage", c.product)
	}
	req.Header = header
	res, err := c.client.Do(req)
	if err != nil {
		return reply{}, c.failed(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxValue+1))
	if err != nil {
		return reply{}, c.failed(err)
	}
	if len(text) > maxValue {
		return reply{}, fmt.Errorf("%s: the answer is longer than %d bytes", c.product, maxValue)
	}
	if passing(res.StatusCode) {
		return reply{}, fmt.Errorf("%s answers %d: %w", c.product, res.StatusCode, pool.ErrTemporary)
	}
	return reply{status: res.StatusCode, body: text}, nil
}

// passing tells whether a status stands for a trouble that may heal: a sealed,
// standing-by or overloaded server.
func passing(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout ||
		status == http.StatusPreconditionFailed || status == 472 || status == 473
}

// failed explains why no answer came. The text of the error is not passed on
// where it could hold what was sent.
func (c *caller) failed(err error) error {
	var sent *url.Error
	if errors.As(err, &sent) {
		err = sent.Err
	}
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errElsewhere):
		return fmt.Errorf("%s sends us to another address: put the address of the server itself into the url of the storage", c.product)
	case errors.As(err, &cert):
		return fmt.Errorf("%s: its certificate is not trusted: let the administrator trust its authority, or correct the url", c.product)
	case c.final != nil && c.final(err):
		return fmt.Errorf("%s cannot be reached: %w", c.product, err)
	default:
		return fmt.Errorf("%s cannot be reached: %w: %w", c.product, err, pool.ErrTemporary)
	}
}

// decode reads an answer. Its error shows nothing of it.
func (c *caller) decode(r reply, into any) error {
	if err := json.Unmarshal(r.body, into); err != nil {
		return fmt.Errorf("%s: the answer is not what its API gives: check the url of the storage", c.product)
	}
	return nil
}

// parseURL reads the url of a storage.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, refuse("params.url", "is empty: give the address of the server")
	case err != nil:
		return nil, refuse("params.url", "is no address: write https://host")
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return nil, refuse("params.url", "has to be of the form https://host or http://host")
	case u.User != nil:
		return nil, refuse("params.url", "contains credentials: put them into the secret of the storage")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, refuse("params.url", "has a query or fragment: leave it out")
	}
	return u, nil
}

// escapePath checks and escapes a path that people type.
func escapePath(field, path string) (string, error) {
	path = strings.Trim(path, "/")
	if path == "" {
		return "", refuse(field, "is empty: give the path of the secret")
	}
	if len(path) > maxKey {
		return "", refuse(field, "is longer than %d bytes", maxKey)
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", refuse(field, "has a part that is empty, a dot or a control character: write it as team/name")
		}
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/"), nil
}
