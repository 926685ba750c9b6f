package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/job"
)

// registerAgain is the pause between tries of start --register.
const registerAgain = 5 * time.Second

// register registers once.
func (o Options) register(ctx context.Context, stdin bool) error {
	cfg, _, err := o.Load()
	if err != nil {
		return err
	}
	token := cfg.RunnerRegistrationToken.Reveal()
	if stdin {
		if token, err = readLine(o.In); err != nil {
			return fmt.Errorf("registration token: %w", err)
		}
	}
	id, err := identityOf(cfg)
	if err != nil {
		return err
	}
	if known, err := id.token(); err != nil || known != "" {
		return errors.Join(err, errors.New("this runner is registered already: unregister it first, or remove its token"))
	}
	return o.enroll(ctx, cfg, id, token)
}

// enroll registers and keeps what the server gives.
func (o Options) enroll(ctx context.Context, cfg *config.Config, id identity, token string) error {
	if err := checkServer(cfg); err != nil {
		return err
	}
	if token == "" {
		return errors.New("no registration token: set SEMAPHORE_RUNNER_REGISTRATION_TOKEN, or use --stdin-registration-token")
	}
	key, err := id.key()
	if err != nil {
		return err
	}
	// What cannot be kept is not asked for: the token may work once only.
	if err := id.keepToken(""); err != nil {
		return fmt.Errorf("%w: let this account write there, or set data_dir or runner.token_file", err)
	}
	nonce, kept, err := id.nonce()
	if err != nil {
		return err
	}
	given, err := job.EnrollRunner(ctx, job.EnrollConfig{
		URL: cfg.WebHost, Token: token, PublicKey: key.Public().String(), Nonce: nonce, Name: hostname(), Webhook: cfg.Runner.Webhook,
		MaxParallelTasks: cfg.Runner.MaxParallelTasks,
	})
	switch {
	case errors.Is(err, job.ErrEnrollRefused):
		if failed := errors.Join(id.forget(), id.dropNonce()); failed != nil || !kept {
			return errors.Join(err, failed)
		}
		return o.enroll(ctx, cfg, id, token) // what was begun is too old to be told again: a new one
	case err != nil:
		return errors.Join(err, id.forget())
	}
	if err := id.keepToken(given); err != nil {
		return err
	}
	if err := id.dropNonce(); err != nil {
		return err
	}
	o.say("registered at %s; the token is in %s", cfg.WebHost, id.tokenFile)
	return nil
}

// enrollUntil registers as soon as the server lets it.
func (o Options) enrollUntil(ctx context.Context, cfg *config.Config, id identity, log *slog.Logger) error {
	for {
		err := o.enroll(ctx, cfg, id, cfg.RunnerRegistrationToken.Reveal())
		if err == nil || errors.Is(err, job.ErrEnrollRefused) || cfg.RunnerRegistrationToken.Reveal() == "" || cfg.WebHost == "" {
			return err
		}
		log.Warn("register", "error", err)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(registerAgain):
		}
	}
}

// unregister removes the runner on both sides.
func (o Options) unregister(ctx context.Context) error {
	cfg, log, err := o.Load()
	if err != nil {
		return err
	}
	id, err := identityOf(cfg)
	if err != nil {
		return err
	}
	remote, _, err := o.remote(cfg, id, log)
	if err != nil {
		return err
	}
	if err := remote.Unregister(ctx); err != nil && !errors.Is(err, job.ErrRevoked) {
		return err
	}
	if err := id.forget(); err != nil {
		return err
	}
	o.say("unregistered from %s", cfg.WebHost)
	if id.given != "" {
		o.say("remove runner.token (SEMAPHORE_RUNNER_TOKEN) from the configuration too")
	}
	return nil
}

// readLine reads one line and no more.
func readLine(r io.Reader) (string, error) {
	text, err := bufio.NewReader(r).ReadString('\n')
	if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
		return "", errors.New("standard input is empty")
	}
	return strings.TrimSpace(text), nil
}
