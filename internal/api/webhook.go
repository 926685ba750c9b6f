package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

// Webhooks remembers the deliveries of incoming webhooks. It is lost with the
// process.
type Webhooks struct{ deliveries *hook.Deliveries }

// NewWebhooks returns an empty journal.
func NewWebhooks(now func() time.Time) *Webhooks {
	return &Webhooks{deliveries: hook.NewDeliveries(hook.DeliveriesConfig{Now: now})}
}

func (s *Server) webhookRoutes() []route {
	const path = "/integrations/{alias}"
	return []route{
		{method: "POST", path: path, right: anyone, open: true, limit: hook.MaxBody, handle: s.webhook},
		{method: "GET", path: path, right: anyone, open: true, limit: hook.MaxBody, handle: s.webhook},
		{method: "OPTIONS", path: path, right: anyone, open: true, handle: s.webhookOptions},
	}
}

// errNoAddress answers that nobody listens at an address.
var errNoAddress = answer(http.StatusNotFound, "no integration has this address: copy it anew from the project's integrations")

// errShared answers that an integration is no longer reached by an address of
// its own.
var errShared = answer(http.StatusNotFound, "the integration is reached by the addresses of its project: send there, or switch searchable off")

// webhook takes a request to the address of one integration, or of all
// searchable ones of a project, and starts the tasks of those that its sender
// has proven itself to and that want it.
func (s *Server) webhook(c *call) error {
	if c.r.Method == http.MethodHead {
		return s.webhookOptions(c)
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return err
		}
		return errGone
	}
	req := hook.Request{Method: c.r.Method, Header: c.r.Header, Body: body}
	status := http.StatusOK // of old, for an address that nobody has
	alias, list, err := s.listeners(c.ctx(), c.r.PathValue("alias"))
	switch {
	case err == nil:
		status = http.StatusNoContent
		err = s.deliver(c, alias, list, req)
	case errors.Is(err, errShared):
		err = s.turnAway(c, alias, req)
	}
	if err != nil && s.cfg.Settings.WebhookLegacyStatus && answerOf(err).status < http.StatusInternalServerError {
		return c.empty(status)
	}
	return err
}

// webhookOptions tells senders that ask first what the address takes. It starts
// nothing.
func (s *Server) webhookOptions(c *call) error {
	if _, _, err := s.listeners(c.ctx(), c.r.PathValue("alias")); err != nil && !s.cfg.Settings.WebhookLegacyStatus {
		return err
	}
	c.w.Header().Set("Allow", "GET, HEAD, OPTIONS, POST")
	return c.empty(http.StatusNoContent)
}

// listeners finds the integrations behind an address. One that is searchable is
// reached by the addresses of the project alone.
func (s *Server) listeners(ctx context.Context, alias string) (store.IntegrationAlias, []store.Integration, error) {
	var row store.IntegrationAlias
	if alias == "" || len(alias) > 50 {
		return row, nil, errNoAddress
	}
	row, err := first(ctx, s.st.Integrations().Aliases(), store.AnyScope, store.Query{Where: map[string]any{"alias": alias}})
	if errors.Is(err, store.ErrNotFound) {
		return row, nil, errNoAddress
	}
	if err != nil {
		return row, nil, fmt.Errorf("find webhook: %w", err)
	}
	where := map[string]any{"searchable": true}
	if row.IntegrationID != nil {
		where = map[string]any{"searchable": false, "id": *row.IntegrationID}
	}
	page, err := s.st.Integrations().List(ctx, row.ProjectID, store.Query{Where: where, Limit: -1})
	if err != nil {
		return row, nil, fmt.Errorf("find integrations: %w", err)
	}
	if len(page.Items) == 0 && row.IntegrationID != nil {
		return row, nil, errShared
	}
	return row, page.Items, nil
}

// turnAway writes down a delivery to an address that reaches nobody any more, so
// that whoever looks for it finds out why it started nothing.
func (s *Server) turnAway(c *call, alias store.IntegrationAlias, req hook.Request) error {
	entry := hook.Entry{ProjectID: alias.ProjectID, Alias: alias.Alias}
	if alias.IntegrationID != nil {
		page, err := s.st.Integrations().List(c.ctx(), alias.ProjectID, store.Query{Where: map[string]any{"id": *alias.IntegrationID}, Limit: 1})
		if err != nil {
			return fmt.Errorf("find integrations: %w", err)
		}
		for _, i := range page.Items {
			entry.AuthHeaders = append(entry.AuthHeaders, i.AuthHeader)
		}
	}
	_, err := s.cfg.Webhooks.deliveries.Do(c.ctx(), entry, req, func(context.Context) (hook.Answer, error) {
		return hook.Answer{Status: http.StatusNotFound, Outcome: "refused: " + answerOf(errShared).text}, nil
	})
	if err != nil {
		return err
	}
	return errShared
}

// deliver lets those integrations work that the sender has proven itself to,
// and answers.
func (s *Server) deliver(c *call, alias store.IntegrationAlias, list []store.Integration, req hook.Request) error {
	proven, headers, err := s.proven(c.ctx(), list, req)
	if err != nil {
		return err
	}
	entry := hook.Entry{ProjectID: alias.ProjectID, Alias: alias.Alias, AuthHeaders: headers}
	for _, i := range proven {
		entry.Integrations = append(entry.Integrations, i.ID)
	}
	denied := len(list) > 0 && len(proven) == 0
	reply, err := s.cfg.Webhooks.deliveries.Do(c.ctx(), entry, req, func(ctx context.Context) (hook.Answer, error) {
		if denied {
			return hook.Answer{Status: http.StatusUnauthorized, Outcome: "refused: " + hook.ErrDenied.Error()}, nil
		}
		return s.launch(ctx, proven, req, 0)
	})
	switch {
	case err != nil:
		return err
	case denied:
		return answer(http.StatusUnauthorized, hook.ErrDenied.Error())
	case reply.Status >= http.StatusBadRequest:
		return answer(reply.Status, reply.Outcome)
	}
	for name, values := range reply.Header {
		c.w.Header()[name] = values
	}
	return c.empty(reply.Status)
}

// proven picks the integrations whose secret the sender knows, and tells which
// headers may hold one.
func (s *Server) proven(ctx context.Context, list []store.Integration, req hook.Request) (proven []store.Integration, headers []string, err error) {
	keys := map[int64]store.AccessKey{}
	for project, ids := range secretIDs(list) {
		page, err := s.st.Keys().List(ctx, project, store.Query{Where: map[string]any{"id": ids}, Limit: -1})
		if err != nil {
			return nil, nil, fmt.Errorf("secrets of integrations: %w", err)
		}
		for _, k := range page.Items {
			keys[k.ID] = k
		}
	}
	for _, i := range list {
		if i.AuthHeader != "" {
			headers = append(headers, i.AuthHeader)
		}
		var secret store.LoginPassword
		if i.AuthSecretID != nil && i.AuthMethod != hook.MethodNone && i.AuthMethod != "none" {
			secret, err = s.loginPassword(ctx, keys[*i.AuthSecretID])
			if err != nil {
				s.log.Warn("secret of an integration cannot be used", slog.Int64("integration_id", i.ID), slog.Any("error", err))
			}
		}
		err := hook.Authenticate(i, secret, req)
		if err == nil {
			proven = append(proven, i)
		} else if !errors.Is(err, hook.ErrDenied) {
			s.log.Warn("integration lets nobody in", slog.Int64("integration_id", i.ID), slog.Any("error", err))
		}
	}
	return proven, headers, nil
}

// secretIDs lists the keys of integrations by their projects.
func secretIDs(list []store.Integration) map[int64][]int64 {
	ids := map[int64][]int64{}
	for _, i := range list {
		if i.AuthSecretID != nil {
			ids[i.ProjectID] = append(ids[i.ProjectID], *i.AuthSecretID)
		}
	}
	return ids
}
