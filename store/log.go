package store

import (
	"context"
	"time"
)

// LogLine is one line of a task's output.
type LogLine struct {
	Number    int64     `json:"n"` // from 0; runs on over attempts
	Attempt   int       `json:"attempt"`
	Time      time.Time `json:"time"`
	Stream    uint8     `json:"stream,omitempty"` // 0 out, 1 err, 2 system
	Partial   bool      `json:"partial,omitempty"`
	Truncated bool      `json:"truncated,omitempty"`
	Masked    bool      `json:"masked,omitempty"`
	Late      bool      `json:"late,omitempty"` // arrived after the end of its attempt
	Text      string    `json:"output"`
}

// LogStore serves the output of tasks.
type LogStore interface {
	// Read returns at most limit lines from number from on. Lines that cannot be
	// read any more are left out; Damaged counts them.
	Read(ctx context.Context, project, task, from int64, limit int) (LogPage, error)
	// Compact packs the raw chunks of one task, if there are enough of them or
	// the task has ended, and tells whether there may be more to do.
	Compact(ctx context.Context) (more bool, err error)
	// Size tells how much room the output of a task takes.
	Size(ctx context.Context, project, task int64) (LogSize, error)
}

// LogPage is a part of a task's output.
type LogPage struct {
	Lines   []LogLine
	Next    int64 // number of the line behind the last one
	Total   int64 // lines stored so far
	Damaged int64 // lines of this range that could not be read
}

// LogSize is what the output of a task takes.
type LogSize struct {
	Lines  int64 `json:"lines"`
	Text   int64 `json:"text"`   // bytes of text
	Stored int64 `json:"stored"` // bytes in the database
	Chunks int   `json:"chunks"`
}
