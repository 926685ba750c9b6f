package job

import (
	"fmt"
	"regexp"
	"strings"
)

// gitError is a command of git that failed, with what it said, masked.
type gitError struct {
	op   string
	text string
	err  error
}

// Error shows the lines that carry the reason.
func (e *gitError) Error() string {
	text := e.reason()
	if text == "" {
		return fmt.Sprintf("git %s: %v", e.op, e.err)
	}
	return fmt.Sprintf("git %s: %s", e.op, text)
}

func (e *gitError) Unwrap() error { return e.err }

// reason leaves progress and hints out.
func (e *gitError) reason() string {
	var lines []string
	for line := range strings.Lines(e.text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "hint:") || strings.HasPrefix(line, "@@@") || progressPattern.MatchString(line) {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

var progressPattern = regexp.MustCompile(`^(remote: )?(Enumerating|Counting|Compressing|Receiving|Resolving|Updating|Filtering|Checking|Unpacking|Total|Initialized|Cloning into|From |Downloading)`)

func (e *gitError) says(parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(e.text, part) {
			return true
		}
	}
	return false
}

// corrupt tells whether git found its own local objects or refs damaged, as
// opposed to what a server or the network did.
func (e *gitError) corrupt() bool {
	if strings.HasPrefix(e.text, "remote:") || strings.Contains(e.text, "\nremote: error") {
		return false
	}
	return e.says("not a git repository", "is corrupt", "object file", "loose object", "packfile", "unable to read tree",
		"unable to read sha1 file", "missing blob", "bad object", "did not send all necessary objects", "bad config",
		"bad signature", "packed-refs", "index file", "inflate:", "unable to unpack", "invalid HEAD", "bad tree object", "unresolvable reference",
		"cannot read existing object", "unable to normalize alternate", "reference broken", "broken ref", "shallow file has changed")
}

var hostKeyHost = regexp.MustCompile(`(?:Host key for|host key is known for) (\S+)`)

// explain adds to a failure of a remote command what the user can do about it.
func (s *gitSession) explain(err error) error {
	e, ok := err.(*gitError) //nolint:errorlint // made by s.git, never wrapped
	if !ok {
		return err
	}
	switch {
	case e.says("Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"):
		return s.explainHostKey(e)
	case e.says("Permission denied (", "Too many authentication failures"):
		if s.remote.Key == nil || s.remote.Key.Type != KeySSH {
			return fmt.Errorf("%w: choose a key of type ssh for the repository", err)
		}
		return fmt.Errorf("%w: the server does not accept the key %q: add its public half there, or check the login", err, s.remote.Key.Name)
	case e.says("Authentication failed", "could not read Username", "could not read Password", "terminal prompts disabled", "returned error: 401", "returned error: 403", "status code: 401", "status code: 403"):
		if s.remote.Key == nil || s.remote.Key.Type != KeyLoginPassword {
			return fmt.Errorf("%w: the server wants a login: choose a key of type login_password for the repository", err)
		}
		return fmt.Errorf("%w: the server does not accept login and password of the key %q", err, s.remote.Key.Name)
	case e.says("dubious ownership"):
		return fmt.Errorf("%w: the repository belongs to another user: add it to safe.directory in git's system configuration", err)
	case e.says("transport 'file' not allowed", "transport '"):
		return fmt.Errorf("%w: this protocol is not allowed here", err)
	}
	return err
}

// explainHostKey names the host whose key was refused.
func (s *gitSession) explainHostKey(e *gitError) error {
	host := s.real.Host
	if m := hostKeyHost.FindStringSubmatch(e.text); m != nil {
		host = strings.TrimSuffix(m[1], ".")
	}
	if e.says("HAS CHANGED") || s.knowsHost(host) {
		return fmt.Errorf("%w: the key of %s is not the known one: if the host was set up anew, forget its known key and run again; otherwise somebody may be in between", ErrHostKey, host)
	}
	return fmt.Errorf("%w: %s is not a known host: add its key to the project's known hosts", ErrHostKey, host)
}

// knowsHost tells whether any key of a host, on whatever port, is known.
func (s *gitSession) knowsHost(host string) bool {
	host = bareHost(host)
	for _, k := range s.keys {
		for name := range strings.SplitSeq(k.Host, ",") {
			if bareHost(name) == host {
				return true
			}
		}
	}
	return false
}

// bareHost takes brackets and port from a name as known_hosts has it.
func bareHost(name string) string {
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, "["); ok {
		name, _, _ = strings.Cut(rest, "]")
	}
	return name
}
