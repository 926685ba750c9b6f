package job

import (
	"context"
	"errors"
	"time"
)

// Git is what a run needs of git. [GitCLI] is complete and the default;
// job/gogit serves machines without a git binary and answers [ErrNeedsGit]
// where it cannot.
//
// Methods may be called from many goroutines at once, also for one mirror. They
// honour ctx: when it ends, so does everything they started. No argument that a
// user typed is ever taken for an option, and neither an error nor a progress
// line contains a credential.
type Git interface {
	// Heads lists the branches of a remote, full names without "refs/heads/",
	// sorted.
	Heads(ctx context.Context, r Remote) ([]Head, error)
	// Clone makes an own clone in c.Dir, which must not exist or be empty, at
	// the commit that c asks for, and tells which one that is.
	Clone(ctx context.Context, r Remote, c Clone) (Commit, error)
	// Update brings the kept checkout c.Dir to what c asks for, and makes it
	// where there is none, without mirror and pin. Untracked files stay; one
	// that is in the way of a file of the commit is an error.
	Update(ctx context.Context, r Remote, c Clone) (Commit, error)
	// Release forgets the pin that Clone set in the mirror, once the clone is
	// gone. Releasing an unknown pin is no error. It waits for no other fetch.
	Release(ctx context.Context, mirror, pin string) error
	// Describe tells the commit of a directory that is used in place. Where there
	// is none, or git cannot tell (a damaged repository, another user's, a format
	// it does not know), it is the zero Commit without an error: what git thinks
	// of a directory is no reason not to run in it. Its only error is that of ctx.
	// Nothing that the directory configures is run.
	Describe(ctx context.Context, dir string) (Commit, error)
}

// TaskGit is a Git that also serves the git commands of a running task.
type TaskGit interface {
	Git
	// TaskEnv returns "NAME=value" pairs that let a task's own git fetch from
	// and push to r with its key. What they point to lies in r.ScratchDir and is
	// gone after closing, which also reports host keys that the task has met.
	TaskEnv(ctx context.Context, r Remote) (env []string, closing func() error, err error)
}

var (
	// ErrNeedsGit tells that the work needs git's own binary.
	ErrNeedsGit = errors.New("this needs the git binary: install git")
	// ErrHostKey tells that a host showed another key than the known one, or
	// is not known where it has to be.
	ErrHostKey = errors.New("host key refused")
)

// Remote is a repository somewhere else.
type Remote struct {
	URL        string // https, http, ssh, git or file URL, git@host:path, or an absolute path; without credentials
	Key        *Key   // nil, none, ssh, or login and password (a token is a password)
	HostKeys   HostKeys
	SSHConfig  string        // a file of ssh's configuration, given to ssh by -F; "" for the user's own
	Env        []string      // "NAME=value" for git, beside the built environment (proxies, CAs, HOME)
	ScratchDir string        // a private directory, 0700, for helper files and sockets; removed by the caller
	Timeout    time.Duration // for one command of git; 0 means 10 minutes
	Learned    func(HostKey) // called with each host key met for the first time; may be nil
	Progress   func(string)  // called with progress lines, masked of the Key; may be nil
}

// Clone says what a checkout holds.
type Clone struct {
	Dir        string // where the checkout goes
	Mirror     string // absolute path of a bare repository that is fetched into and whose objects are shared; "" for none. A Git may do without
	Pin        string // name under refs/semaphore/task/ that keeps the commit in the mirror; "" for none
	Ref        string // branch or tag; "" for the remote's HEAD
	Commit     string // full or short hash; wins over Ref, which it need not be on
	Submodules bool   // init and update recursively, over the same protocols
	Depth      int    // commits of history; 0 for all. A clone with a depth uses no mirror
	MaxBytes   int64  // limit of mirror and clone; 0 for none
	Private    bool   // copy the objects instead of sharing the mirror's
}

// Head is a branch of a remote.
type Head struct {
	Name string `json:"name"` // "main", "feature/x"
	Hash string `json:"hash"`
}
