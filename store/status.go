package store

// Status is the state of a task as the API spells it.
type Status string

// The states.
const (
	Waiting             Status = "waiting"
	Starting            Status = "starting"
	Running             Status = "running"
	WaitingConfirmation Status = "waiting_confirmation" // holds no process, no lease and no slot
	Confirmed           Status = "confirmed"            // waits for a worker that applies the plan
	Rejected            Status = "rejected"             // passed through on the way to error
	Stopping            Status = "stopping"
	Stopped             Status = "stopped"
	Success             Status = "success"
	Failed              Status = "error"
)

// Finished tells whether the state is final.
func (s Status) Finished() bool { return s == Stopped || s == Success || s == Failed }

// Claimable tells whether a worker may take the task.
func (s Status) Claimable() bool { return s == Waiting || s == Confirmed }

// Leased tells whether a worker has the task: it holds a slot.
func (s Status) Leased() bool { return s == Starting || s == Running || s == Stopping }

// Excludes tells whether the task keeps others of its template from starting.
func (s Status) Excludes() bool {
	return s.Leased() || s == WaitingConfirmation || s == Confirmed
}

// transitions lists which states may follow a state. A final state has none.
// From starting and running only a task that was confirmed before it was claimed
// becomes confirmed: its worker hands it back.
var transitions = map[Status][]Status{
	Waiting:             {Starting, Stopped, Failed},
	Starting:            {Running, Stopping, Stopped, Success, Failed, Waiting, WaitingConfirmation, Confirmed},
	Running:             {Stopping, Stopped, Success, Failed, Waiting, WaitingConfirmation, Confirmed},
	WaitingConfirmation: {Confirmed, Rejected, Stopped, Failed},
	Confirmed:           {Starting, Stopped, Failed},
	Rejected:            {Failed},
	Stopping:            {Stopped, Success, Failed, Waiting},
}

// CanBecome tells whether a task may go from one state to another. Staying is
// no transition.
func (s Status) CanBecome(next Status) bool {
	for _, allowed := range transitions[s] {
		if allowed == next {
			return true
		}
	}
	return false
}

// Statuses lists every state.
func Statuses() []Status {
	return []Status{Waiting, Starting, Running, WaitingConfirmation, Confirmed, Rejected, Stopping, Stopped, Success, Failed}
}
