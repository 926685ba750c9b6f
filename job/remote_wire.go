package job

import "time"

// RemoteVersion is the version of the protocol between a runner and its server
// that this package speaks. docs/runner-protocol.md describes it.
const RemoteVersion = 1

// RemoteOldest is the oldest version of the protocol that a server still speaks:
// the one before RemoteVersion, where there is one, so that servers are updated
// before their runners.
const RemoteOldest = 1

// Headers of the protocol, beside Authorization with the runner's token.
const (
	RemoteVersionHeader = "Semaphore-Runner-Protocol" // RemoteVersion, both ways
	RemoteSessionHeader = "Semaphore-Runner-Session"  // what the answer to hello gave
)

// RemotePoll is how long a server holds back an answer that has nothing to say.
const RemotePoll = 25 * time.Second

// RemoteHello begins a session of a runner's process.
type RemoteHello struct {
	Instance  string `json:"instance"`   // names the runner's data directory for ever
	Boot      string `json:"boot"`       // names this process
	PublicKey string `json:"public_key"` // what specs are sealed for; the first one of a runner binds its token
	Version   string `json:"version,omitempty"`
	Host      string `json:"host,omitempty"`
}

// RemoteSession is the answer to RemoteHello.
type RemoteSession struct {
	Session string `json:"session"` // to be sent with every other call
	Key     []byte `json:"key"`     // of a RemoteCipher, sealed for the public key with RemoteSessionContext
}

// RemoteSwept tells that of earlier processes with the same Instance nothing
// runs any more.
type RemoteSwept struct {
	Swept []Swept `json:"swept"`
}

// RemoteClaim asks for tasks.
type RemoteClaim struct {
	Free    int        `json:"free"`
	Held    []Lease    `json:"held"`              // what the runner has: leases whose answer was lost come again
	Cleaned *time.Time `json:"cleaned,omitempty"` // the request to clear caches that was carried out last
}

// RemoteClaimed is the answer to RemoteClaim. Specs are fetched one by one.
type RemoteClaimed struct {
	Assignments []Assignment `json:"assignments"`
	Clean       *time.Time   `json:"clean,omitempty"` // caches are to be cleared, as was asked for then
}

// RemoteSpec is the answer to a RemoteLease for its spec: one of the three.
type RemoteSpec struct {
	Sealed   []byte `json:"sealed,omitempty"`    // JSON of a Spec
	NotBegun string `json:"not_begun,omitempty"` // why the task goes back
	Failed   string `json:"failed,omitempty"`    // why it ends
}

// RemoteLease names a lease.
type RemoteLease struct {
	Lease Lease `json:"lease"`
}

// RemoteLeases names several.
type RemoteLeases struct {
	Leases []Lease `json:"leases"`
}

// RemoteSignals says what is to happen, or, asking for news, what is known.
type RemoteSignals struct {
	Signals []Signal `json:"signals"`
}

// RemoteAppend hands a report over.
type RemoteAppend struct {
	Lease  Lease  `json:"lease"`
	Report Report `json:"report"`
}

// RemoteFinish ends a lease.
type RemoteFinish struct {
	Lease  Lease  `json:"lease"`
	Result Result `json:"result"`
}

// RemoteState asks for something about a Terraform state.
type RemoteState struct {
	Key  StateKey         `json:"key"`
	Task TaskRef          `json:"task,omitzero"` // to lock and unlock
	Prev RemoteStateData  `json:"prev,omitzero"` // to save, without data
	Next *RemoteStateData `json:"next,omitempty"`
}

// RemoteStateData is a version of a state.
type RemoteStateData struct {
	Lineage string `json:"lineage"`
	Serial  uint64 `json:"serial"`
	Data    []byte `json:"data,omitempty"` // sealed by the RemoteCipher of the session
}

// RemoteLock is the answer to a request for a lock.
type RemoteLock struct {
	Holder *TaskRef `json:"holder,omitempty"` // who has it instead
}

// RemoteBundle is a part of a run bundle, or, without data, asks for one.
type RemoteBundle struct {
	Lease   Lease  `json:"lease,omitzero"`
	Part    int    `json:"part"`
	Last    bool   `json:"last,omitempty"`
	Missing bool   `json:"missing,omitempty"` // in an answer: there is none
	Data    []byte `json:"data,omitempty"`    // sealed by the RemoteCipher of the session
}

// RemoteRefusal is the body of an answer that is an error.
type RemoteRefusal struct {
	Error string `json:"error"`
}
