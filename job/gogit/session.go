package gogit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/internal/giturl"
)

const (
	headsRefspec = config.RefSpec("+refs/heads/*:refs/remotes/origin/*")
	tagsRefspec  = config.RefSpec("+refs/tags/*:refs/tags/*")
)

// session is the time in which one method talks to one remote.
type session struct {
	remote job.Remote
	url    giturl.URL
	auth   transport.AuthMethod
	ssh    *sshAuth // auth, where the remote is reached by ssh
	proxy  transport.ProxyOptions
	ca     []byte
	mask   *strings.Replacer
}

func open(r job.Remote) (*session, error) {
	u, err := giturl.Parse(r.URL)
	if err != nil {
		return nil, &job.FieldError{Field: "repository.url", Reason: err.Error()}
	}
	s := &session{remote: r, url: u, mask: mask(r.Key)}
	if base := insteadOf(r); base != "" {
		return nil, fmt.Errorf("the git configuration's insteadOf for %s: %w", base, job.ErrNeedsGit)
	}
	if err := s.readEnv(); err != nil {
		return nil, err
	}
	switch {
	case u.IsHTTP():
		if k := r.Key; k != nil && k.Type == job.KeyLoginPassword && (k.Login != "" || !k.Password.Empty()) {
			s.auth = &http.BasicAuth{Username: u.Login(k.Login, k.Password.Reveal()), Password: k.Password.Reveal()}
		}
	case u.Scheme == "ssh":
		if s.ssh, err = newSSHAuth(r, u); err != nil {
			return nil, err
		}
		s.auth = s.ssh
	}
	return s, nil
}

// readEnv takes proxy and certificates from the environment built for git.
func (s *session) readEnv() error {
	env := map[string]string{}
	for _, pair := range s.remote.Env {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	if s.url.IsHTTP() {
		for _, name := range []string{s.url.Scheme + "_proxy", strings.ToUpper(s.url.Scheme) + "_PROXY", "all_proxy", "ALL_PROXY"} {
			if env[name] != "" && !strings.Contains(","+env["no_proxy"]+env["NO_PROXY"]+",", ","+s.url.Host+",") {
				s.proxy.URL = env[name]
				break
			}
		}
	}
	for _, name := range []string{"GIT_SSL_CAINFO", "SSL_CERT_FILE"} {
		if path := env[name]; path != "" && s.ca == nil {
			pem, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
			s.ca = pem
		}
	}
	return nil
}

// insteadOf returns the address that the administrator's configuration puts in
// place of the remote's, or "".
func insteadOf(r job.Remote) string {
	home, files := "", []string{"/etc/gitconfig"}
	for _, pair := range r.Env {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "HOME":
			home = value
		case "GIT_CONFIG_NOSYSTEM":
			files = files[1:]
		}
	}
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	for _, file := range append(files, filepath.Join(home, ".config", "git", "config"), filepath.Join(home, ".gitconfig")) {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		c, err := config.ReadConfig(f)
		_ = f.Close()
		if err != nil {
			continue
		}
		for _, u := range c.Raw.Section("url").Subsections {
			for _, prefix := range u.OptionAll("insteadOf") {
				if strings.HasPrefix(r.URL, prefix) {
					return u.Name
				}
			}
		}
	}
	return ""
}

// bound runs one remote operation under the remote's time limit, reports host
// keys and explains failures.
func (s *session) bound(ctx context.Context, op string, work func(context.Context) error) error {
	timeout := s.remote.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no end within %s: raise the time limit of git, or see why the server is slow", timeout))
	defer cancel()
	err := await(ctx, func() error { return work(ctx) })
	if err == nil || errors.Is(err, git.NoErrAlreadyUpToDate) {
		s.ssh.learn(s.remote.Learned)
		return nil
	}
	return s.explain(op, err)
}

// explain masks an error and adds what the user can do about it.
func (s *session) explain(op string, err error) error {
	key := s.remote.Key
	text := s.mask.Replace(err.Error())
	if refused := s.ssh.refused(); refused != nil {
		return refused
	}
	if s.ssh != nil && strings.Contains(text, noCommonKey) {
		return s.ssh.changed()
	}
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		if key == nil || key.Type != job.KeyLoginPassword {
			return fmt.Errorf("git %s: %w: the server wants a login: choose a key of type login_password for the repository", op, err)
		}
		return fmt.Errorf("git %s: %w: the server does not accept login and password of the key %q", op, err, key.Name)
	case strings.Contains(text, "unable to authenticate") && key != nil:
		return fmt.Errorf("git %s: %s: the server does not accept the key %q: add its public half there, or check the login", op, text, key.Name)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("git %s: %w: check the address, and whether the key may read it", op, err)
	case text != err.Error():
		return fmt.Errorf("git %s: %s", op, text)
	}
	return fmt.Errorf("git %s: %w", op, err)
}

// endpoint is a remote for one operation, free of anybody's configuration.
func (s *session) endpoint(repo *git.Repository) *git.Remote {
	c := &config.RemoteConfig{Name: "origin", URLs: []string{s.remote.URL}}
	if repo == nil {
		return git.NewRemote(memory.NewStorage(), c)
	}
	return git.NewRemote(repo.Storer, c)
}

// list is the remote's references, symbolic ones included.
func (s *session) list(ctx context.Context) (refs []*plumbing.Reference, err error) {
	err = s.bound(ctx, "ls-remote", func(ctx context.Context) error {
		if s.url.Scheme == "file" {
			refs, err = listLocal(s.url.Path)
			return err
		}
		refs, err = s.endpoint(nil).ListContext(ctx, &git.ListOptions{
			Auth: s.auth, ProxyOptions: s.proxy, CABundle: s.ca, PeelingOption: git.IgnorePeeled, Timeout: 0,
		})
		return err
	})
	return refs, err
}

// mask replaces the secrets of a key.
func mask(k *job.Key) *strings.Replacer {
	if k == nil {
		return strings.NewReplacer()
	}
	var pairs []string
	for _, secret := range []string{k.Password.Reveal(), k.Passphrase.Reveal()} {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if len(form) >= 4 {
				pairs = append(pairs, form, "***")
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// progress passes the server's own lines on.
type progress struct {
	report func(string)
	mask   *strings.Replacer
}

func (p progress) Write(b []byte) (int, error) {
	for line := range strings.SplitSeq(string(b), "\n") {
		if i := strings.LastIndexByte(line, '\r'); i >= 0 {
			line = line[i+1:]
		}
		if line = strings.TrimSpace(strings.ToValidUTF8(line, "\uFFFD")); line != "" {
			p.report("remote: " + p.mask.Replace(line))
		}
	}
	return len(b), nil
}
