package schema

import (
	"encoding/json"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

// Bounds of what a task keeps.
const (
	maxCommands      = 50
	maxCommitMessage = 100 // characters
)

// Report puts commit, plan and command lines of a report into a task.
func Report(t *store.Task, a store.Append) error {
	if a.Commit != nil {
		hash, message := a.Commit.Hash, []rune(a.Commit.Message)
		t.CommitHash, t.CommitMessage = &hash, string(message[:min(len(message), maxCommitMessage)])
	}
	if len(a.Plan) > 0 {
		t.Plan = a.Plan
	}
	if len(a.Commands) == 0 {
		return nil
	}
	var lines [][]string
	if len(t.Command) > 0 {
		if err := json.Unmarshal(t.Command, &lines); err != nil {
			return fmt.Errorf("read command lines: %w", err)
		}
	}
	lines = append(lines, a.Commands[:min(len(a.Commands), max(maxCommands-len(lines), 0))]...)
	text, err := json.Marshal(lines)
	if err != nil {
		return fmt.Errorf("write command lines: %w", err)
	}
	t.Command = text
	return nil
}

// TaskEvent fills in what an event of a task does not say.
func TaskEvent(t store.Task, e store.Event) store.Event {
	if e.ProjectID == nil {
		e.ProjectID = &t.ProjectID
	}
	if e.ObjectID == nil {
		e.ObjectID = &t.ID
	}
	if e.ObjectType == "" {
		e.ObjectType = store.EventTask
	}
	return e
}
