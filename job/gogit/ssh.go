package gogit

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/internal/giturl"
	"github.com/alexandervashurin/semaphore/job/internal/sshagent"
)

// sshAuth offers one key and checks host keys.
type sshAuth struct {
	user   string
	signer ssh.Signer
	keys   job.HostKeys
	host   string // as known_hosts has it

	mu      sync.Mutex
	met     []job.HostKey
	refusal error
}

var _ gitssh.AuthMethod = (*sshAuth)(nil)

func newSSHAuth(r job.Remote, u giturl.URL) (*sshAuth, error) {
	if r.SSHConfig != "" {
		return nil, fmt.Errorf("a configuration file for ssh: %w", job.ErrNeedsGit)
	}
	k := r.Key
	if k == nil || k.Type != job.KeySSH {
		return nil, fmt.Errorf("ssh with the user's own keys; choose a key of type ssh for the repository, or: %w", job.ErrNeedsGit)
	}
	raw, _, err := sshagent.ParseKey([]byte(k.PrivateKey.Reveal()), []byte(k.Passphrase.Reveal()))
	switch {
	case errors.Is(err, sshagent.ErrPassphraseNeeded), errors.Is(err, sshagent.ErrPassphraseWrong):
		return nil, &job.FieldError{Field: "repository.key.passphrase", Reason: err.Error()}
	case err != nil:
		return nil, &job.FieldError{Field: "repository.key.private_key", Reason: err.Error()}
	}
	signer, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, fmt.Errorf("open ssh key: %w", err)
	}
	port := u.Port
	if port == "" {
		port = "22"
	}
	a := &sshAuth{user: u.User, signer: signer, keys: r.HostKeys, host: knownhosts.Normalize(net.JoinHostPort(strings.ToLower(u.Host), port))}
	if a.user == "" {
		a.user = k.Login
	}
	if a.user == "" {
		a.user = "git"
	}
	return a, nil
}

// Name and String are for go-git's own messages.
func (a *sshAuth) Name() string { return gitssh.PublicKeysName }

func (a *sshAuth) String() string { return "user: " + a.user + ", name: " + a.Name() }

// ClientConfig is what go-git connects with. A host with known keys is asked
// for keys of their kinds only.
func (a *sshAuth) ClientConfig() (*ssh.ClientConfig, error) {
	c := &ssh.ClientConfig{User: a.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(a.signer)}, HostKeyCallback: a.checkHostKey}
	if a.checks() {
		for _, k := range a.known() {
			if k.Type() == ssh.KeyAlgoRSA {
				c.HostKeyAlgorithms = append(c.HostKeyAlgorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			}
			c.HostKeyAlgorithms = append(c.HostKeyAlgorithms, k.Type())
		}
	}
	return c, nil
}

func (a *sshAuth) checks() bool {
	return a.keys.Policy == job.HostKeysPin || a.keys.Policy == job.HostKeysStrict
}

// known are the host's known keys.
func (a *sshAuth) known() []ssh.PublicKey {
	var keys []ssh.PublicKey
	for _, k := range a.keys.Known {
		if !slices.Contains(strings.Split(strings.ToLower(k.Host), ","), a.host) {
			continue
		}
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(k.Key)); err == nil {
			keys = append(keys, key)
		}
	}
	return keys
}

func (a *sshAuth) checkHostKey(_ string, _ net.Addr, key ssh.PublicKey) error {
	if !a.checks() {
		return nil
	}
	known := a.known()
	for _, k := range known {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return nil
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case len(known) > 0:
		a.refusal = a.changed()
		return a.refusal
	case a.keys.Policy == job.HostKeysStrict:
		a.refusal = fmt.Errorf("%w: %s is not a known host: add its key to the project's known hosts", job.ErrHostKey, a.host)
		return a.refusal
	}
	a.met = append(a.met, job.HostKey{Host: a.host, Key: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))})
	return nil
}

func (a *sshAuth) changed() error {
	return fmt.Errorf("%w: the key of %s is not the known one: if the host was set up anew, forget its known key and run again; otherwise somebody may be in between", job.ErrHostKey, a.host)
}

// noCommonKey is how x/crypto says that the server has none of the key kinds
// that were asked for.
const noCommonKey = "no common algorithm for host key"

// refused is why the host's key was not taken, or nil.
func (a *sshAuth) refused() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refusal
}

// learn passes on keys met for the first time, once.
func (a *sshAuth) learn(report func(job.HostKey)) {
	if a == nil {
		return
	}
	a.mu.Lock()
	met := a.met
	a.met = nil
	for _, k := range met {
		if !slices.Contains(a.keys.Known, k) {
			a.keys.Known = append(slices.Clone(a.keys.Known), k)
		}
	}
	a.mu.Unlock()
	for _, k := range slices.CompactFunc(met, func(x, y job.HostKey) bool { return x == y }) {
		if report != nil {
			report(k)
		}
	}
}
