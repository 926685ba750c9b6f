package job

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// EnrollConfig is what a runner says when it registers.
type EnrollConfig struct {
	URL       string // Address of the server, with its path prefix. Required.
	Token     string // The registration token of the server, or one that an administrator made for one runner. Required.
	PublicKey string // What secrets are sealed for. Required.

	// Nonce makes the registration one that can be repeated: the same call, with the
	// same token and key, is answered the same for ten minutes at least. Keep it
	// until the answer is there, and secret; crypto/rand.Text makes one. Defaults to
	// none: where the answer is lost, a token that works once is used up.
	Nonce            string
	Name             string       // For people. Defaults to none.
	Webhook          string       // Defaults to none.
	MaxParallelTasks int          // How many tasks it may have at once. Defaults to no limit.
	HTTP             *http.Client // Defaults to one that checks certificates and honours proxies of the environment.
}

// ErrEnrollRefused tells that the token of an enrolment is wrong, used or
// expired: trying again is of no use.
var ErrEnrollRefused = errors.New("the registration token is wrong, used or expired: ask an administrator for another")

// EnrollRunner registers a runner and returns its token, which is told this
// once, and again only to a call with the same [EnrollConfig.Nonce].
func EnrollRunner(ctx context.Context, cfg EnrollConfig) (string, error) {
	if cfg.Token == "" {
		return "", errors.New("no registration token: give that of the server, or one that an administrator made")
	}
	r, err := NewRemote(RemoteConfig{URL: cfg.URL, Token: "none", Key: noKey{}, PublicKey: cfg.PublicKey, HTTP: cfg.HTTP})
	if err != nil {
		return "", err
	}
	r.cfg.Token = ""
	defer r.hangUp()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := map[string]any{
		"registration_token": cfg.Token, "name": cfg.Name, "webhook": cfg.Webhook,
		"max_parallel_tasks": cfg.MaxParallelTasks, "public_key": cfg.PublicKey,
	}
	if cfg.Nonce != "" {
		in["nonce"] = cfg.Nonce
	}
	var reply struct {
		Token string `json:"token"`
	}
	err = r.post(ctx, "enroll", "", in, &reply)
	switch {
	case errors.Is(err, ErrRevoked):
		return "", ErrEnrollRefused
	case err != nil:
		return "", fmt.Errorf("register: %w", err)
	case reply.Token == "":
		return "", errors.New("register: the server gave no token")
	}
	return reply.Token, nil
}

// Unregister removes the runner at the server. Its token is worth nothing from
// then on.
func (r *RemoteSource) Unregister(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer r.hangUp()
	if err := r.post(ctx, "unregister", "", struct{}{}, nil); err != nil {
		return fmt.Errorf("unregister: %w", err)
	}
	return nil
}

// noKey opens nothing.
type noKey struct{}

// Open fails.
func (noKey) Open([]byte, []byte) ([]byte, error) { return nil, errors.New("no key") }
