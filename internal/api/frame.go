package api

import (
	"encoding/json"
	"time"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// news is a message of the pool with its frames, each encoded when the first
// client needs it; live.mu is held then.
type news struct {
	message pool.Message
	update  []byte
	lines   [][]byte // one frame for each line
	batch   []byte   // one frame for all
}

type updateFrame struct {
	Type       string       `json:"type"`
	Start      *time.Time   `json:"start"`
	End        *time.Time   `json:"end"`
	Status     store.Status `json:"status"`
	TaskID     int64        `json:"task_id"`
	TemplateID int64        `json:"template_id"`
	ProjectID  int64        `json:"project_id"`
	Version    *string      `json:"version"`
}

type logFrame struct {
	Type      string    `json:"type"`
	Output    string    `json:"output"`
	Time      time.Time `json:"time"`
	TaskID    int64     `json:"task_id"`
	ProjectID int64     `json:"project_id"`
}

type logsFrame struct {
	Type      string          `json:"type"`
	TaskID    int64           `json:"task_id"`
	ProjectID int64           `json:"project_id"`
	Lines     []store.LogLine `json:"lines"`
}

// framesFor returns what a client is sent.
func (n *news) framesFor(c *client) [][]byte {
	m := n.message
	switch {
	case m.Task != nil:
		if n.update == nil {
			t := m.Task
			n.update = frame(updateFrame{
				Type: "update", Start: t.Start, End: t.End, Status: t.Status, TaskID: t.ID,
				TemplateID: t.TemplateID, ProjectID: t.ProjectID, Version: t.Version,
			})
		}
		return [][]byte{n.update}
	case len(m.Lines) == 0 || c.quiet:
		return nil
	case c.batch:
		if n.batch == nil {
			n.batch = frame(logsFrame{Type: "logs", TaskID: m.TaskID, ProjectID: m.ProjectID, Lines: m.Lines})
		}
		return [][]byte{n.batch}
	}
	if n.lines == nil {
		for _, l := range m.Lines {
			n.lines = append(n.lines, frame(logFrame{Type: "log", Output: l.Text, Time: l.Time, TaskID: m.TaskID, ProjectID: m.ProjectID}))
		}
	}
	return n.lines
}

func frame(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{}`) // of these types it cannot be
	}
	return b
}
