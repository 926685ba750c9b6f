// Package stage reads a task's output as it comes and tells what happened in
// it: stages that a viewer can fold, Ansible's recap of hosts, and errors.
//
// A parser is fed line by line and keeps no lines; what it gathers is bounded,
// whatever the output says. Output is text for people, of many versions of many
// tools: what a parser does not know it passes over.
package stage

import (
	"encoding/json"
	"time"
)

// The types of a stage.
const (
	Init        = "init"            // everything before the tool's own work
	Plan        = "terraform_plan"  // Result: {"add", "change", "destroy"}, and "import", "forget" where there are any
	Apply       = "terraform_apply" // Result: {"added", "changed", "destroyed"}, and "imported" where there are any
	Running     = "running"
	Play        = "play"         // within Running; Name is the play's
	Task        = "task"         // within Play, handlers too; Name is the task's
	PrintResult = "print_result" // Ansible's recap; Result: {"hosts"} and the sums of Host's counters
)

// Bounds of what a parser gathers; what is over them is left out and
// [Results.Truncated] says so. Texts are cut, in characters.
const (
	MaxStages    = 10_000
	MaxHosts     = 10_000
	MaxErrors    = 1000
	MaxErrorText = 1000
	MaxName      = 250 // of a stage, host or task
)

// Line is one line of output, without its line feed.
type Line struct {
	Number int64
	Time   time.Time
	System bool   // about the run itself, not written by the tool
	Text   string // may hold ANSI sequences
}

// Results is what a parser has found so far. Nothing in it is shared with the
// parser.
type Results struct {
	Stages    []Stage // in the order of their start
	Hosts     []Host  // in the order of the first recap that names them
	Errors    []Error // in the order of their lines
	Truncated bool    // a bound was reached
}

// Stage is a stretch of output. Stages nest by their lines: a task lies in a
// play, a play in Running.
type Stage struct {
	Index               int
	Type                string
	Name                string
	Start, End          time.Time // End is zero while the stage is open
	FirstLine, LastLine int64     // LastLine is smaller where the stage has no line
	Result              json.RawMessage
}

// Host is a line of Ansible's recap.
type Host struct {
	Host        string
	OK          int
	Changed     int
	Unreachable int
	Failed      int
	Skipped     int
	Rescued     int
	Ignored     int
}

// Error is a failure that the tool reported. Host is empty where it is about
// none; Task is an Ansible task or the address of a Terraform resource.
type Error struct {
	Host, Task, Text string
	Line             int64
}

// Parser reads one attempt of a task. It is not safe for concurrent use.
type Parser interface {
	// Line takes the next line of output.
	Line(l Line)
	// Phase says that the task has entered a phase, as job names them: lines
	// that follow belong to it. Phases without a stage end or continue the one
	// before.
	Phase(name string, at time.Time)
	// Close ends what is still open. It is safe to call twice.
	Close(at time.Time)
	// Result returns what was found so far.
	Result() Results
	// Changed tells whether Result would say anything new, but for the last
	// lines of open stages, since it was last called.
	Changed() bool
}

// New returns the parser for an app: Ansible's for "ansible", Terraform's for
// "terraform", "tofu" and "terragrunt", and for all others one that knows the
// phases only.
func New(app string) Parser {
	t := tracker{last: -1}
	switch app {
	case "ansible":
		return &ansible{tracker: t, announced: -1}
	case "terraform", "tofu":
		return &terraform{tracker: t}
	case "terragrunt":
		return &terraform{tracker: t, wrapped: true}
	default:
		return &script{t}
	}
}

// script knows the phases only.
type script struct{ tracker }

func (s *script) Line(l Line) {
	s.before(l)
	s.after(l)
}
