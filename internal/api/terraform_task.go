package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

const (
	taskStatePurpose = "terraform state of a task v1"
	taskStatePrefix  = "task-" // random addresses are hex and begin with none of it
)

// TaskStateAddress is where one attempt of a task finds the state of its
// workspace by Terraform's http backend, below the address of the server. It
// lets in by itself, while that attempt runs.
func TaskStateAddress(ring *crypto.Ring, server string, t store.Task, attempt int) string {
	keys := ring.Derive(taskStatePurpose)
	if len(keys) == 0 {
		return ""
	}
	name := fmt.Sprintf("%d-%d-%d", t.ProjectID, t.ID, attempt)
	return strings.TrimRight(server, "/") + "/api/terraform/" + taskStatePrefix + name + "-" + taskStateSum(keys[0].Secret, name)
}

func taskStateSum(secret []byte, name string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(name))
	return hex.EncodeToString(mac.Sum(nil)[:20])
}

// stateOfTask finds the state of an address that was made for a task; false for
// one that lets nobody in, or not any more.
func (s *Server) stateOfTask(ctx context.Context, alias string) (remoteState, bool, error) {
	project, id, attempt, ok := s.readTaskAddress(alias)
	if !ok {
		return remoteState{}, false, nil
	}
	t, err := s.pool.Task(ctx, project, id)
	if errors.Is(err, store.ErrNotFound) {
		return remoteState{}, false, nil
	}
	if err != nil {
		return remoteState{}, false, err
	}
	runs := t.Status == store.Starting || t.Status == store.Running || t.Status == store.Stopping
	if !runs || t.Attempt != attempt {
		return remoteState{}, false, nil
	}
	snap, err := s.pool.Snapshot(ctx, project, id)
	if err != nil {
		return remoteState{}, false, err
	}
	return remoteState{s: s, key: store.StateKey{ProjectID: project, TemplateID: t.TemplateID, Workspace: workspaceOf(snap)}, task: id}, true, nil
}

// readTaskAddress takes an address apart that one of our keys has signed.
func (s *Server) readTaskAddress(alias string) (project, task int64, attempt int, ok bool) {
	text, found := strings.CutPrefix(alias, taskStatePrefix)
	end := strings.LastIndexByte(text, '-')
	if !found || end < 0 {
		return 0, 0, 0, false
	}
	name := text[:end]
	for _, k := range s.cfg.Ring.Derive(taskStatePurpose) {
		ok = crypto.Equal(text[end+1:], taskStateSum(k.Secret, name)) || ok
	}
	parts := strings.Split(name, "-")
	if !ok || len(parts) != 3 {
		return 0, 0, 0, false
	}
	project, errProject := strconv.ParseInt(parts[0], 10, 64)
	task, errTask := strconv.ParseInt(parts[1], 10, 64)
	attempt, errAttempt := strconv.Atoi(parts[2])
	return project, task, attempt, errors.Join(errProject, errTask, errAttempt) == nil
}

// workspaceOf is the workspace that a run works on.
func workspaceOf(snap *pool.Snapshot) string {
	if inv := snap.Spec.Inventory; inv != nil && strings.HasSuffix(string(inv.Type), "-workspace") {
		return inv.Text
	}
	return "default"
}
