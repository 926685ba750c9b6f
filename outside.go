package semaphore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

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

// summoner makes what calls the webhooks of runners, and gives it to the pool. An
// administrator's address, that of a runner of all projects, may be anywhere; one
// of a project goes by Outgoing.
func (c *Config) summoner(settings *pool.Config) {
	if settings.Summon != nil {
		return
	}
	trusted, judged := outgoing.Client(outgoing.Config{Trusted: true}), outgoing.Client(outgoing.Config{Allow: c.Outgoing})
	settings.Summon = func(ctx context.Context, r store.Runner, action string, t store.Task) error {
		client := trusted
		if r.ProjectID != nil {
			client = judged
		}
		return summon(ctx, client, r, action, t)
	}
}

// summons is the body of a call to a runner's webhook, as Semaphore UI has it.
type summons struct {
	Action     string `json:"action"`
	ProjectID  int64  `json:"project_id"`
	TaskID     int64  `json:"task_id"`
	TemplateID int64  `json:"template_id"`
	RunnerID   int64  `json:"runner_id"`
}

// summon makes one call. Its errors do not tell the address, which may hold a
// secret.
func summon(ctx context.Context, client *http.Client, r store.Runner, action string, t store.Task) error {
	body, err := json.Marshal(summons{action, t.ProjectID, t.ID, t.TemplateID, r.ID})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Webhook, bytes.NewReader(body))
	if err != nil {
		return errors.New("webhook is no address: correct it in the runner")
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	var where *url.Error
	if errors.As(err, &where) {
		return fmt.Errorf("webhook: %w", where.Err)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("webhook answered %d in place of 200 or 204", res.StatusCode)
	}
	return nil
}
