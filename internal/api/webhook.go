package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/job"
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

// target is an integration that a request may be for, with what is needed to
// judge it.
type target struct {
	store.Integration
	matchers   []store.IntegrationMatcher
	extractors []store.IntegrationExtractor
}

// errNoAddress answers that nobody listens at an address.
var errNoAddress = answer(http.StatusNotFound, "no integration has this address: copy it anew from the project's integrations")

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
	if err == nil {
		status = http.StatusNoContent
		err = s.deliver(c, alias, list, req)
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
		return row, nil, answer(http.StatusNotFound, "the integration is reached by the addresses of its project: send there, or switch searchable off")
	}
	return row, page.Items, nil
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

// launch starts the tasks of the integrations that want a request. What goes
// wrong with one leaves the others alone.
func (s *Server) launch(ctx context.Context, list []store.Integration, req hook.Request, user int64) (hook.Answer, error) {
	targets, err := s.targets(ctx, list)
	if err != nil {
		return hook.Answer{}, err
	}
	reply := hook.Answer{Status: http.StatusNoContent, Header: http.Header{}}
	var told []string
	var failed error
	matched := 0
	for _, i := range targets {
		if i.Searchable && !hook.MatchAll(i.matchers, req) {
			continue
		}
		matched++
		t, err := s.start(ctx, i, req, user)
		if err != nil {
			if ctx.Err() != nil {
				return reply, err
			}
			failed = worse(failed, err)
			told = append(told, fmt.Sprintf("integration %d: %s", i.ID, answerOf(err).text))
			s.log.Warn("webhook started no task", slog.Int64("integration_id", i.ID), slog.Any("error", err))
			continue
		}
		reply.Tasks = append(reply.Tasks, t.ID)
		told = append(told, fmt.Sprintf("integration %d: task %d", i.ID, t.ID))
		setTaskHeaders(reply.Header, t)
	}
	switch {
	case matched == 0:
		told = append(told, "no integration wants this request")
	case len(reply.Tasks) == 0:
		reply.Status = answerOf(failed).status
	}
	reply.Outcome = clip(strings.Join(told, "; "), 2000)
	if reply.Status >= http.StatusInternalServerError {
		return reply, failed
	}
	return reply, nil
}

// worse is the error that the sender is told of several: one that a repeat may
// mend before others.
func worse(a, b error) error {
	if a == nil || answerOf(b).status >= http.StatusInternalServerError {
		return b
	}
	return a
}

// start adds the task of one integration.
func (s *Server) start(ctx context.Context, i target, req hook.Request, user int64) (store.Task, error) {
	env, params, err := hook.Extract(i.extractors, req)
	var field *job.FieldError
	switch {
	case errors.As(err, &field):
		return store.Task{}, err
	case err != nil: // what the request brings
		return store.Task{}, answer(http.StatusBadRequest, err.Error())
	}
	add, err := s.pool.RequestOf(ctx, i.Integration)
	if err != nil {
		return store.Task{}, err
	}
	if add, err = hook.Merge(add, env, params); err != nil {
		return store.Task{}, err
	}
	add.By.UserID = user
	return s.pool.AddTask(ctx, add)
}

// setTaskHeaders tells the sender what was started.
func setTaskHeaders(h http.Header, t store.Task) {
	add := func(name string, id *int64) {
		if id != nil {
			h.Add("X-Semaphore-"+name+"-Id", strconv.FormatInt(*id, 10))
		}
	}
	add("Task", &t.ID)
	add("Template", &t.TemplateID)
	add("Project", &t.ProjectID)
	add("Integration", t.IntegrationID)
	add("Inventory", t.InventoryID)
}

// targets loads what the integrations ask for and take.
func (s *Server) targets(ctx context.Context, list []store.Integration) ([]target, error) {
	if len(list) == 0 {
		return nil, nil
	}
	ids := make([]int64, len(list))
	for n, i := range list {
		ids[n] = i.ID
	}
	q := store.Query{Where: map[string]any{"integration_id": ids}, Limit: -1}
	matchers, err := s.st.Integrations().Matchers().List(ctx, list[0].ProjectID, q)
	if err != nil {
		return nil, fmt.Errorf("matchers: %w", err)
	}
	extractors, err := s.st.Integrations().Extractors().List(ctx, list[0].ProjectID, q)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	targets := make([]target, len(list))
	for n, i := range list {
		targets[n].Integration = i
		for _, m := range matchers.Items {
			if m.IntegrationID == i.ID {
				targets[n].matchers = append(targets[n].matchers, m)
			}
		}
		for _, e := range extractors.Items {
			if e.IntegrationID == i.ID {
				targets[n].extractors = append(targets[n].extractors, e)
			}
		}
	}
	return targets, nil
}
