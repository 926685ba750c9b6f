package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// remoteReplyLimit bounds what is read of an answer: a Terraform state is the
// largest.
const remoteReplyLimit = 256 << 20

// remoteSession is what hello has agreed upon.
type remoteSession struct {
	ticket string
	cipher RemoteCipher
}

// remoteError is an answer of the server that is an error.
type remoteError struct {
	status int
	text   string
}

// Error returns what the server said.
func (e *remoteError) Error() string { return fmt.Sprintf("server: %s (%d)", e.text, e.status) }

// Is gives the answers that callers know their meaning.
func (e *remoteError) Is(target error) bool {
	switch target {
	case ErrLeaseLost:
		return e.status == http.StatusGone
	case ErrStateConflict:
		return e.status == http.StatusPreconditionFailed
	case ErrRevoked:
		return e.status == http.StatusUnauthorized
	default:
		return false
	}
}

// settled tells whether asking again would be answered the same. What is no
// answer of the server, or says that it has trouble or does not know the
// session, is not.
func settled(err error) bool {
	var e *remoteError
	if !errors.As(err, &e) {
		return false
	}
	switch e.status {
	case http.StatusConflict, http.StatusTooManyRequests, http.StatusForbidden, http.StatusRequestTimeout:
		return false
	default:
		return e.status < http.StatusInternalServerError
	}
}

// call makes one call in the session, which is begun where there is none.
func (r *RemoteSource) call(ctx context.Context, path string, in, out any) error {
	for try := 0; ; try++ {
		s, err := r.enter(ctx)
		if err != nil {
			return err
		}
		err = r.post(ctx, path, s.ticket, in, out)
		var e *remoteError
		if !errors.As(err, &e) || e.status != http.StatusConflict || try > 0 {
			return err
		}
		r.leave(s) // the server cannot read the session any more: its key was changed
	}
}

// persist makes a call until it is answered, or ctx ends.
func (r *RemoteSource) persist(ctx context.Context, path string, in, out any) error {
	return r.insist(ctx, path, func() error { return r.call(ctx, path, in, out) })
}

// sealedTries is how often an answer that does not open is asked for again: the
// session may have been begun anew meanwhile.
const sealedTries = 3

// insist repeats what fails for want of an answer.
func (r *RemoteSource) insist(ctx context.Context, what string, call func() error) error {
	var wait backoff
	closed := 0
	for {
		err := call()
		if errors.Is(err, errRemoteSealed) {
			closed++
		}
		if err == nil || settled(err) || closed == sealedTries {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if wait == 0 {
			r.cfg.Log.Warn("server does not answer", "call", what, "error", err)
		}
		pause(ctx, wait.next())
	}
}

// enter returns the session. One goroutine begins it, the others wait.
func (r *RemoteSource) enter(ctx context.Context) (*remoteSession, error) {
	select {
	case r.entering <- struct{}{}:
		defer func() { <-r.entering }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	r.mu.Lock()
	s := r.session
	r.mu.Unlock()
	if s != nil {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var reply RemoteSession
	hello := RemoteHello{Instance: r.cfg.Instance, Boot: r.boot, PublicKey: r.cfg.PublicKey, Version: r.cfg.Version, Host: r.cfg.Host}
	if err := r.post(ctx, "hello", "", hello, &reply); err != nil {
		return nil, err
	}
	key, err := r.cfg.Key.Open(reply.Key, RemoteSessionContext(r.boot))
	if err != nil {
		return nil, fmt.Errorf("session key: %w: the private key is not that of the public one", err)
	}
	s = &remoteSession{ticket: reply.Session}
	if s.cipher, err = NewRemoteCipher(key); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session = s
	return s, nil
}

func (r *RemoteSource) leave(s *remoteSession) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session == s {
		r.session = nil
	}
}

// post sends one request.
func (r *RemoteSource) post(ctx context.Context, path, ticket string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: encode: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+r.cfg.Token)
	req.Header.Set(RemoteVersionHeader, strconv.Itoa(RemoteVersion))
	if ticket != "" {
		req.Header.Set(RemoteSessionHeader, ticket)
	}
	resp, err := r.cfg.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, remoteReplyLimit))
	if err != nil {
		return fmt.Errorf("%s: read answer: %w", path, err)
	}
	if err := r.judge(resp, data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s: the answer is not of protocol %d", path, RemoteVersion)
	}
	return nil
}

// judge turns an answer into an error if it is one. What does not carry the
// version of the protocol comes from something else, such as a proxy, and
// means nothing.
func (r *RemoteSource) judge(resp *http.Response, data []byte) error {
	spoken := resp.Header.Get(RemoteVersionHeader)
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return fmt.Errorf("the server redirects to %q: give that address", resp.Header.Get("Location"))
	case spoken == "" && resp.StatusCode < http.StatusInternalServerError:
		return fmt.Errorf("what answers there (%d) does not speak the protocol of runners: check the address with its path, and update the server", resp.StatusCode)
	case spoken == "":
		return fmt.Errorf("the server cannot be reached: status %d", resp.StatusCode)
	case resp.StatusCode < 300:
		return nil
	}
	var refusal RemoteRefusal
	_ = json.Unmarshal(data, &refusal) // the status says enough
	e := &remoteError{status: resp.StatusCode, text: refusal.Error}
	if errors.Is(e, ErrRevoked) {
		r.once.Do(func() { close(r.revoked) })
		return fmt.Errorf("%w: %w", ErrRevoked, e)
	}
	return e
}

// within bounds a call that the server may hold back.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, RemotePoll+15*time.Second)
}
