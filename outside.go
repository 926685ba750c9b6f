package semaphore

import (
	"context"
	"errors"
	"fmt"

	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/internal/outgoing"
	"github.com/alexandervashurin/semaphore/internal/secret"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// Alerts configures how people are told about tasks: by e-mail, in chats, and
// by a signed webhook. Its Store, WebHost and Log are set here.
type Alerts = alert.Config

// Secrets configures which secrets outside of the store keys may name: variables
// of this process that begin with a prefix, files below a directory, and servers
// such as Vault. Its HTTP defaults to a client that reaches public addresses and
// those that Config.Outgoing allows.
type Secrets = secret.Config

// keeper makes what reaches secrets outside, and gives it to the pool.
func (c *Config) keeper(settings *pool.Config) *secret.Keeper {
	cfg := c.Secrets
	if cfg.HTTP == nil {
		cfg.HTTP = outgoing.Client(outgoing.Config{Allow: c.Outgoing})
		cfg.Final = func(err error) bool {
			return errors.Is(err, outgoing.ErrRefused) || errors.Is(err, outgoing.ErrTooLarge)
		}
	}
	k := secret.New(c.Store, c.Ring, cfg)
	if settings.External == nil {
		settings.External = k.External
	}
	return k
}

// alerter makes what tells people, and gives it to the pool. It is nil where
// nothing is configured.
func (c *Config) alerter(settings *pool.Config) (*alert.Alerter, error) {
	if c.Alerts == nil {
		return nil, nil
	}
	cfg := *c.Alerts
	cfg.Store = c.Store
	if cfg.WebHost == "" {
		cfg.WebHost = c.HTTP.WebHost
	}
	if cfg.Log == nil {
		cfg.Log = c.Log
	}
	a, err := alert.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	if settings.Alerter == nil {
		settings.Alerter = a
	}
	return a, nil
}

// testAlerts is the button that sends a test notification.
type testAlerts struct{ *alert.Alerter }

// Test fails where a channel did.
func (t testAlerts) Test(ctx context.Context, project store.Project) error {
	var errs []error
	results := t.Alerter.Test(ctx, project)
	for _, r := range results {
		if r.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Channel, r.Err))
		}
	}
	if len(results) == 0 {
		return errors.New("no channel is switched on: name one in the server's configuration")
	}
	return errors.Join(errs...)
}
