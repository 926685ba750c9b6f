package api

import "github.com/alexandervashurin/semaphore/pool"

// AppendLine is for the fuzz target.
var AppendLine = appendLine

// Inbox is for the test of what merges and what gets lost.
type Inbox struct{ in *inbox }

// NewInbox returns an empty one.
func NewInbox() Inbox { return Inbox{newInbox()} }

// Put adds a message.
func (i Inbox) Put(m pool.Message) { i.in.put(m) }

// Take returns what has come.
func (i Inbox) Take() []pool.Message { return i.in.take() }

// LineFrames and BatchFrame are for the comparison with encoding/json.
var (
	LineFrames = lineFrames
	BatchFrame = batchFrame
)
