package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job/internal/giturl"
	"github.com/alexandervashurin/semaphore/job/internal/sshagent"
)

const (
	defaultGitTimeout = 10 * time.Minute
	gitWaitDelay      = 2 * time.Second // between the gentle end of a cancelled git and its kill
	maxGitOutput      = 64 << 20        // of one command's standard output
)

// gitSession is the time in which one method of GitCLI talks to one remote. Its
// helper files and its ssh agent are gone after close.
type gitSession struct {
	bin    string
	remote Remote
	url    giturl.URL // as typed
	real   giturl.URL // after the administrator's insteadOf
	dir    string     // private, below the remote's ScratchDir
	env    []string
	config []string // more settings for git, beside gitConfig
	// foreign is set for directories that this package has not made: git then
	// refuses those of other users, whose configuration could run commands.
	foreign bool
	agent   *sshagent.Agent
	known   string    // known_hosts file of ssh, "" where there is none
	keys    []HostKey // known and learned
	mask    *strings.Replacer
}

// open prepares a session for r: environment, protocols, key.
func (g GitCLI) open(ctx context.Context, r Remote) (_ *gitSession, err error) {
	u, parseErr := giturl.Parse(r.URL)
	if parseErr != nil {
		return nil, invalid("repository.url", "%v", parseErr)
	}
	s := &gitSession{bin: g.Binary, remote: r, url: u, real: u, mask: keyMask(r.Key)}
	s.dir, err = os.MkdirTemp(r.ScratchDir, "git-")
	if err != nil {
		return nil, fmt.Errorf("make git's scratch directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	template := s.dir + "/template"
	if err := os.Mkdir(template, 0o700); err != nil {
		return nil, fmt.Errorf("make git's scratch directory: %w", err)
	}
	env := gitEnviron(r.Env)
	env.set("GIT_TEMPLATE_DIR", template)
	s.env = env.list()
	if out, err := s.git(ctx, gitCall{args: []string{"ls-remote", "--get-url", "--end-of-options", r.URL}}); err != nil {
		return nil, err
	} else if rewritten, err := giturl.Parse(strings.TrimSpace(out)); err == nil {
		s.real = rewritten
	}
	env.set("GIT_ALLOW_PROTOCOL", allowedProtocols(s.url, s.real))
	s.env = env.list()
	if err := s.offerKey(ctx, env); err != nil {
		return nil, err
	}
	s.env = env.list()
	return s, nil
}

// close removes what open made. It can be called twice.
func (s *gitSession) close() error {
	var err error
	if s.agent != nil {
		err = s.agent.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// gitEnviron is git's environment: what the caller built, and in front of it
// the path and home of this process. Variables that would point git at another
// repository are dropped, and nobody is ever prompted.
func gitEnviron(pairs []string) *environ {
	env := newEnviron()
	for _, name := range []string{"PATH", "HOME", "USERPROFILE", "SystemRoot", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env.set(name, value)
		}
	}
	for _, pair := range pairs {
		switch name, value, _ := strings.Cut(pair, "="); name {
		case "", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_COMMON_DIR":
		default:
			env.set(name, value)
		}
	}
	env.set("LC_ALL", "C") // messages are read by gitError
	env.set("GIT_TERMINAL_PROMPT", "0")
	return env
}

// allowedProtocols is the value of GIT_ALLOW_PROTOCOL: the network protocols,
// and files only where the user typed one or the administrator rewrites to one.
func allowedProtocols(typed, rewritten giturl.URL) string {
	const network = "https:http:ssh:git"
	if typed.Scheme == "file" || rewritten.Scheme == "file" {
		return network + ":file"
	}
	return network
}

// gitCall is one command of git.
type gitCall struct {
	dir   string   // -C; "" for the session's own directory
	args  []string // command and arguments, -c settings may come first
	local bool     // clones from the mirror: allows files
}

// git runs one command and returns its standard output. The error is that of
// the context's cause or a *gitError.
func (s *gitSession) git(ctx context.Context, call gitCall) (string, error) {
	timeout := s.remote.Timeout
	if timeout <= 0 {
		timeout = defaultGitTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no end within %s: raise the time limit of git, or see why the server is slow", timeout))
	defer cancel()
	bin := s.bin
	if bin == "" {
		bin = "git"
	}
	args := gitConfig()
	if !s.foreign {
		args = append(args, "-c", "safe.directory=*")
	}
	args = append(append(args, s.config...), call.args...)
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = s.dir
	if call.dir != "" {
		cmd.Dir = call.dir
	}
	cmd.Env = s.env
	if call.local {
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "GIT_ALLOW_PROTOCOL=file")
	}
	var out bytes.Buffer
	report := progressLines{report: s.report}
	cmd.Stdout, cmd.Stderr = &limitedBuffer{buf: &out, left: maxGitOutput}, &report
	cmd.WaitDelay = gitWaitDelay
	ownGroup(cmd)
	err := cmd.Run()
	op := commandName(call.args)
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success():
		return out.String(), nil
	case ctx.Err() != nil:
		killGroup(cmd)
		return "", fmt.Errorf("git %s: %w", op, context.Cause(ctx))
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) && cmd.Process == nil:
		return "", fmt.Errorf("git %s: %q is not on PATH: %w", op, bin, ErrNeedsGit)
	}
	return "", &gitError{op: op, text: s.mask.Replace(report.tail()), err: err}
}

// commandName finds the command behind git's global options.
func commandName(args []string) string {
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-c", "-C", "--config-env", "--git-dir", "--work-tree", "--namespace": // the value is the next word
			args = args[min(2, len(args)-1):]
		default:
			args = args[1:]
		}
	}
	if len(args) > 1 && (args[0] == "lfs" || args[0] == "submodule") && !strings.HasPrefix(args[1], "-") {
		return args[0] + " " + args[1]
	}
	return args[0]
}

// report passes a line of progress on.
func (s *gitSession) report(line string) {
	if s.remote.Progress != nil {
		s.remote.Progress(s.mask.Replace(line))
	}
}

// say reports something this package has to tell.
func (s *gitSession) say(format string, args ...any) { s.report(fmt.Sprintf(format, args...)) }

// limitedBuffer fails a command that writes without end.
type limitedBuffer struct {
	buf  *bytes.Buffer
	left int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errors.New("git wrote more than can be read")
	}
	b.left -= len(p)
	return b.buf.Write(p)
}
