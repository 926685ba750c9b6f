package job

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/alexandervashurin/semaphore/job/internal/sshagent"
)

// sshCommand is what git runs for ssh, a shell command line without secrets.
// Options stand behind those of the administrator's own GIT_SSH_COMMAND or
// core.sshCommand, which win, as the first one does for ssh.
func (s *gitSession) sshCommand(ctx context.Context, env *environ) (string, error) {
	base := env.get("GIT_SSH_COMMAND")
	if base == "" {
		out, err := s.git(ctx, gitCall{args: []string{"config", "--default", "ssh", "--get", "core.sshCommand"}})
		if err != nil {
			return "", err
		}
		base = strings.TrimSpace(out)
	}
	if s.remote.SSHConfig != "" {
		base += " -F " + shellQuote(s.remote.SSHConfig)
	}
	options := []string{"BatchMode=yes", "ControlMaster=no", "ControlPath=none", "LogLevel=ERROR"}
	if k := s.remote.Key; k != nil && k.Login != "" && s.real.User == "" {
		options = append(options, "User="+k.Login)
	}
	key, err := s.sshKey()
	if err != nil {
		return "", err
	}
	hostKeys, err := s.hostKeyOptions(ctx, base)
	if err != nil {
		return "", err
	}
	for _, o := range append(append(options, key...), hostKeys...) {
		base += " -o " + shellQuote(o)
	}
	return base, nil
}

// sshKey serves the remote's key by an agent. ssh is given the public half, so
// that it offers this key and no other.
func (s *gitSession) sshKey() ([]string, error) {
	k := s.remote.Key
	if k == nil || k.Type != KeySSH {
		return nil, nil
	}
	if err := checkSSHKey("repository.key", k); err != nil {
		return nil, err
	}
	raw, pub, err := sshagent.ParseKey([]byte(k.PrivateKey.Reveal()), []byte(k.Passphrase.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("open ssh key: %w", err)
	}
	half := filepath.Join(s.dir, "key.pub")
	if err := os.WriteFile(half, ssh.MarshalAuthorizedKey(pub), 0o600); err != nil {
		return nil, fmt.Errorf("write public key: %w", err)
	}
	s.agent, err = sshagent.Start(s.dir, raw)
	if err != nil {
		return nil, err
	}
	return []string{"IdentityAgent=" + sshPath(s.agent.Socket()), "IdentitiesOnly=yes", "IdentityFile=" + sshPath(half)}, nil
}

// sshPath writes a path as an option of ssh, where % and spaces mean something.
func sshPath(path string) string { return `"` + strings.ReplaceAll(path, "%", "%%") + `"` }

// hostKeyOptions makes ssh check host keys as the policy says. With pin, a host
// that has a known key must show it, and any other one is met for the first
// time: ssh itself would accept a new kind of key for a known host.
func (s *gitSession) hostKeyOptions(ctx context.Context, base string) ([]string, error) {
	policy := s.remote.HostKeys.Policy
	if !checksHostKeys(policy) {
		return []string{"StrictHostKeyChecking=no", "UserKnownHostsFile=" + os.DevNull, "GlobalKnownHostsFile=" + os.DevNull}, nil
	}
	s.known, s.keys = filepath.Join(s.dir, "known_hosts"), append([]HostKey(nil), s.remote.HostKeys.Known...)
	if err := os.WriteFile(s.known, knownHosts(s.keys), 0o600); err != nil {
		return nil, fmt.Errorf("write known hosts: %w", err)
	}
	check := "yes"
	if policy == HostKeysPin && !s.knowsName(s.sshHostName(ctx, base)) {
		check = "accept-new"
	}
	return []string{
		"StrictHostKeyChecking=" + check, "UserKnownHostsFile=" + sshPath(s.known),
		"GlobalKnownHostsFile=" + os.DevNull, "HashKnownHosts=no", "CheckHostIP=no", "UpdateHostKeys=no",
	}, nil
}

// sshHostName is the name under which ssh looks the remote's host up, after
// what its configuration makes of it. A program that is not OpenSSH leaves the
// name as it is.
func (s *gitSession) sshHostName(ctx context.Context, base string) string {
	host, port := strings.ToLower(s.real.Host), s.real.Port
	query := base + " -G"
	if port != "" {
		query += " -p " + port
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", query+" "+shellQuote(host))
	cmd.Env, cmd.Dir, cmd.WaitDelay = s.env, s.dir, gitWaitDelay
	ownGroup(cmd)
	out, _ := cmd.Output()
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "hostkeyalias":
			if value != "none" && value != "" {
				return strings.ToLower(value)
			}
		case "hostname":
			host = strings.ToLower(value)
		case "port":
			port = value
		}
	}
	if port != "" && port != "22" {
		return "[" + host + "]:" + port
	}
	return host
}

// knowsName tells whether known_hosts has a key under exactly this name.
func (s *gitSession) knowsName(name string) bool {
	for _, k := range s.keys {
		for known := range strings.SplitSeq(strings.ToLower(k.Host), ",") {
			if known == name {
				return true
			}
		}
	}
	return false
}

// learn passes on what ssh has added to known_hosts.
func (s *gitSession) learn() {
	if s.known == "" {
		return
	}
	text, err := os.ReadFile(s.known)
	if err != nil {
		return // the file is ours; without it there is nothing to learn
	}
	for _, key := range newHostKeys(text, s.keys) {
		s.keys = append(s.keys, key)
		if s.remote.Learned != nil {
			s.remote.Learned(key)
		}
	}
}
