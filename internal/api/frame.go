package api

import (
	"encoding/json"
	"strconv"
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
			n.batch = batchFrame(m)
		}
		return [][]byte{n.batch}
	}
	if n.lines == nil {
		n.lines = lineFrames(m)
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

// lineFrames are the frames of single lines. They are written by hand, since
// everything that any task puts out goes through here.
func lineFrames(m pool.Message) [][]byte {
	frames := make([][]byte, 0, len(m.Lines))
	for i := range m.Lines {
		l := &m.Lines[i]
		b := appendOutput(append(make([]byte, 0, len(l.Text)+160), `{"type":"log",`...), l)
		frames = append(frames, append(appendTask(b, m), '}'))
	}
	return frames
}

// batchFrame is one frame of all lines, each as [store.LogLine] is.
func batchFrame(m pool.Message) []byte {
	b := append(appendTask([]byte(`{"type":"logs"`), m), `,"lines":[`...)
	for i := range m.Lines {
		l := &m.Lines[i]
		if i > 0 {
			b = append(b, ',')
		}
		if l.Stream != 0 || l.Partial || l.Truncated || l.Masked || l.Late { // seldom
			b = append(b, frame(l)...)
			continue
		}
		b = strconv.AppendInt(append(b, `{"n":`...), l.Number, 10)
		b = strconv.AppendInt(append(b, `,"attempt":`...), int64(l.Attempt), 10)
		b = append(appendOutput(append(b, ','), l), '}')
	}
	return append(b, "]}"...)
}

func appendTask(b []byte, m pool.Message) []byte {
	b = strconv.AppendInt(append(b, `,"task_id":`...), m.TaskID, 10)
	return strconv.AppendInt(append(b, `,"project_id":`...), m.ProjectID, 10)
}

func appendOutput(b []byte, l *store.LogLine) []byte {
	b = l.Time.UTC().AppendFormat(append(b, `"time":"`...), time.RFC3339Nano)
	begun := append(b, `","output":`...)
	b, err := appendText(begun, l.Text)
	if err != nil {
		return append(begun, `""`...) // of a text it cannot be
	}
	return b
}
