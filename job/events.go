package job

import "time"

// Stream says where a line came from.
type Stream uint8

// The streams of a line. Tools write both of theirs into one pipe, which keeps
// the program's own order; such lines are [Out].
const (
	Out    Stream = iota // the tool's output, standard output and error in order
	Err                  // reserved for executors that can tell the two apart
	System               // a line of this package about the run itself
)

// String names the stream: "out", "err" or "system".
func (s Stream) String() string {
	switch s {
	case Err:
		return "err"
	case System:
		return "system"
	default:
		return "out"
	}
}

// Line is one line of output without its line feed: valid UTF-8, masked, ANSI
// sequences kept.
type Line struct {
	Time      time.Time `json:"time"`
	Stream    Stream    `json:"stream"`
	Text      string    `json:"text"`
	Partial   bool      `json:"partial,omitempty"`   // the last line, which had no line feed
	Truncated bool      `json:"truncated,omitempty"` // cut at the length limit
	Masked    bool      `json:"masked,omitempty"`    // a secret was replaced by ***
}

// State is the state of a task as the API spells it.
type State string

// The states an Executor reports.
const (
	Starting            State = "starting"
	Running             State = "running"
	WaitingConfirmation State = "waiting_confirmation"
	Confirmed           State = "confirmed"
	Rejected            State = "rejected"
	Stopping            State = "stopping"
)

// Phase is the step of the run, for people.
type Phase string

// The phases of a run, in the order they may come.
const (
	PhasePrepare      Phase = "prepare"
	PhaseRepository   Phase = "repository"
	PhaseInventory    Phase = "inventory"
	PhaseRequirements Phase = "requirements"
	PhaseInit         Phase = "init"
	PhasePlan         Phase = "plan"
	PhaseConfirm      Phase = "confirm"
	PhaseApply        Phase = "apply"
	PhaseRun          Phase = "run"
	PhaseStop         Phase = "stop"
	PhaseFinish       Phase = "finish"
)

// Status is a state with the phase that belongs to it.
type Status struct {
	State State  `json:"state"`
	Phase Phase  `json:"phase"`
	Text  string `json:"text,omitempty"` // one short line for people, without secrets
}

// Commit is what a run works on.
type Commit struct {
	Hash    string `json:"hash"`    // full hash, with "-dirty" behind it for a changed local tree; empty where there is no git
	Message string `json:"message"` // subject line
	Branch  string `json:"branch,omitempty"`
}

// PlanSummary is what a Terraform plan would do, without values.
type PlanSummary struct {
	Add     int          `json:"add"`
	Change  int          `json:"change"`
	Destroy int          `json:"destroy"`
	Changes []PlanChange `json:"changes"`           // resources with an action other than no-op and read
	Outputs int          `json:"outputs,omitempty"` // outputs that would change
}

// Empty tells whether nothing would change.
func (p PlanSummary) Empty() bool {
	return p.Add == 0 && p.Change == 0 && p.Destroy == 0 && p.Outputs == 0 && len(p.Changes) == 0
}

// PlanChange is one resource of a plan.
type PlanChange struct {
	Address string `json:"address"` // as Terraform names it, "module.a.aws_instance.web[0]"
	Action  string `json:"action"`  // create, update, delete, replace, import, move or forget
}

// Prompt is a question of the run.
type Prompt struct {
	Kind PromptKind   `json:"kind"`
	Text string       `json:"text"`
	Plan *PlanSummary `json:"plan,omitempty"`
}

// PromptKind tells what is asked.
type PromptKind string

// What can be asked.
const (
	AskApply        PromptKind = "apply"         // shall this plan be applied?
	AskMigrateState PromptKind = "migrate_state" // shall init migrate the state to the changed backend?
)

// Answer is the answer to a Prompt.
type Answer string

// The answers.
const (
	Approve Answer = "approve"
	Reject  Answer = "reject"
	Hold    Answer = "hold" // end the run here; it goes on once there is an answer
)

// HostKey is a host's public key in known_hosts form.
type HostKey struct {
	Host string `json:"host"` // "example.org" or "[example.org]:2222"
	Key  string `json:"key"`  // "ssh-ed25519 AAAA..."
}

// Line returns the key as a line of a known_hosts file.
func (k HostKey) Line() string { return k.Host + " " + k.Key }
