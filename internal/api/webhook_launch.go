package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// target is an integration that a request may be for, with what is needed to
// judge it.
type target struct {
	store.Integration
	matchers   []store.IntegrationMatcher
	extractors []store.IntegrationExtractor
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
