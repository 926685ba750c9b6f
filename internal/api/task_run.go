package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// taskInput is what a client asks a task to be.
type taskInput struct {
	rowIDs
	TemplateID  int64           `json:"template_id"`
	Playbook    string          `json:"playbook"`
	Environment string          `json:"environment"`
	Secret      string          `json:"secret"`
	Arguments   *string         `json:"arguments"`
	GitBranch   *string         `json:"git_branch"`
	InventoryID *int64          `json:"inventory_id"`
	Message     string          `json:"message"`
	CommitHash  *string         `json:"commit_hash"`
	BuildTaskID *int64          `json:"build_task_id"`
	Params      json.RawMessage `json:"params"`
	Limit       string          `json:"limit"`
}

// addTask launches a task.
func (s *Server) addTask(c *call) error {
	var in taskInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkIDs(in, 0, c.project.ID); err != nil {
		return err
	}
	if in.TemplateID == 0 {
		return invalid("template_id", "is missing: choose a template")
	}
	if _, err := s.st.Templates().Get(c.ctx(), c.project.ID, in.TemplateID); err != nil {
		return named(err, "template")
	}
	if err := c.needTemplate(in.TemplateID); err != nil {
		return err
	}
	params, err := limitOfParams(in.Params, in.Limit)
	if err != nil {
		return err
	}
	return c.launch(store.Task{
		ProjectID: c.project.ID, TemplateID: in.TemplateID, Playbook: in.Playbook, Environment: in.Environment,
		Secret: in.Secret, Arguments: in.Arguments, GitBranch: in.GitBranch, InventoryID: in.InventoryID,
		Message: in.Message, CommitHash: filled(in.CommitHash), BuildTaskID: in.BuildTaskID, Params: params,
	})
}

// launch adds a task and answers with it.
func (c *call) launch(t store.Task) error {
	t, err := c.s.pool.AddTask(c.ctx(), pool.AddRequest{Task: t, By: c.caller()})
	if err != nil {
		return fmt.Errorf("add task: %w", err)
	}
	t.Secret = "{}" // clients expect the member; its values are never shown
	c.hideValues(&t)
	return c.json(http.StatusCreated, t)
}

// limitOfParams puts the limit of old clients, a list with commas, where it
// belongs, unless there is one.
func limitOfParams(params json.RawMessage, limit string) (json.RawMessage, error) {
	if string(params) == "null" {
		params = nil
	}
	if strings.Trim(limit, ", ") == "" {
		return params, nil
	}
	all := map[string]json.RawMessage{}
	if len(params) > 0 {
		if err := json.Unmarshal(params, &all); err != nil {
			return nil, invalid("params", "is no JSON object")
		}
	}
	if _, there := all["limit"]; there {
		return params, nil
	}
	list, err := json.Marshal(strings.Split(limit, ","))
	if err != nil {
		return nil, fmt.Errorf("encode limit: %w", err)
	}
	all["limit"] = list
	return json.Marshal(all)
}

type stopInput struct {
	Force bool `json:"force"` // kill at once
}

func (s *Server) stopTask(c *call) error {
	var in stopInput
	if err := c.decodeOptional(&in); err != nil {
		return err
	}
	return c.decide(func(t store.Task) (store.Task, error) {
		return s.pool.StopTask(c.ctx(), c.project.ID, t.ID, in.Force, c.caller())
	}, "has ended")
}

func (s *Server) confirmTask(c *call) error {
	return c.decide(func(t store.Task) (store.Task, error) {
		return s.pool.Confirm(c.ctx(), c.project.ID, t.ID, c.caller())
	}, "does not wait for confirmation")
}

func (s *Server) rejectTask(c *call) error {
	return c.decide(func(t store.Task) (store.Task, error) {
		return s.pool.Reject(c.ctx(), c.project.ID, t.ID, c.caller())
	}, "does not wait for confirmation")
}

// decide does something with the task of the path that asks for a state; otherwise
// says what is the matter with another one.
func (c *call) decide(do func(store.Task) (store.Task, error), otherwise string) error {
	t, err := c.runnable()
	if err != nil {
		return err
	}
	switch _, err = do(t); {
	case errors.Is(err, store.ErrState):
		return answer(http.StatusBadRequest, fmt.Sprintf("task %d %s: it is %s", t.ID, otherwise, t.Status))
	case err != nil:
		return taskError(err, t.ID)
	}
	return c.empty(http.StatusNoContent)
}

type retryInput struct {
	Secret string `json:"secret"`
}

// retryTask launches a task anew with the request of one that has ended. Secret
// survey values are gone with that one: they have to be sent again.
func (s *Server) retryTask(c *call) error {
	var in retryInput
	if err := c.decodeOptional(&in); err != nil {
		return err
	}
	t, err := c.runnable()
	if err != nil {
		return err
	}
	if !t.Status.Finished() {
		return answer(http.StatusBadRequest, fmt.Sprintf("task %d has not ended: it is %s", t.ID, t.Status))
	}
	snap, err := s.snapshot(c, t)
	if err != nil {
		return err
	}
	if err := secretsGiven(snap.Survey, in.Secret); err != nil {
		return err
	}
	again := store.Task{
		ProjectID: t.ProjectID, TemplateID: t.TemplateID, Playbook: t.Playbook, Environment: t.Environment, Secret: in.Secret,
		Arguments: t.Arguments, GitBranch: t.GitBranch, InventoryID: t.InventoryID, Message: t.Message,
		BuildTaskID: t.BuildTaskID, Params: t.Params,
	}
	if commit := snap.Spec.Repository.Commit; commit != "" { // asked for, not found
		again.CommitHash = &commit
	}
	return c.launch(again)
}

// snapshot returns what was frozen for a task: nothing for one that could not be
// made.
func (s *Server) snapshot(c *call, t store.Task) (*pool.Snapshot, error) {
	text, _, err := s.st.Tasks().Snapshot(c.ctx(), t.ProjectID, t.ID)
	if err != nil {
		return nil, taskError(err, t.ID)
	}
	if len(text) == 0 {
		return &pool.Snapshot{}, nil
	}
	snap, err := s.pool.Snapshot(c.ctx(), t.ProjectID, t.ID)
	return snap, taskError(err, t.ID)
}

// secretsGiven refuses a retry that lacks secret values.
func secretsGiven(names []string, secret string) error {
	given, err := job.ParseVariables(secret)
	if err != nil {
		return invalid("secret", "is no JSON object of names and texts")
	}
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return given[name] != nil && given[name] != "" })
	if len(missing) > 0 {
		return invalid("secret", "the values of %s ended with the task: send them again", strings.Join(missing, ", "))
	}
	return nil
}
