package job

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alexandervashurin/semaphore/job/internal/sshagent"
)

// checkSSHKey opens a private key, so that a wrong one is known before
// anything runs.
func checkSSHKey(field string, k *Key) error {
	_, _, err := sshagent.ParseKey([]byte(k.PrivateKey.Reveal()), []byte(k.Passphrase.Reveal()))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sshagent.ErrPassphraseNeeded):
		return invalid(field+".passphrase", "is missing: the private key of %q is encrypted", k.Name)
	case errors.Is(err, sshagent.ErrPassphraseWrong):
		return invalid(field+".passphrase", "does not open the private key of %q", k.Name)
	default:
		return invalid(field+".private_key", "of %q is no private key in PEM or OpenSSH form", k.Name)
	}
}

// offerKeys gives the tool what it may use while it runs: the inventory's ssh
// key through an agent, and the repository's key for git.
func (r *run) offerKeys(env *environ) error {
	taskEnv, ok := r.job.cfg.Git.(TaskGit)
	if ok && r.spec.Repository.Key != nil && r.spec.Repository.Key.Type != KeyNone {
		pairs, closeEnv, err := taskEnv.TaskEnv(r.ctx, r.remote(&r.spec.Repository))
		if err != nil {
			return fmt.Errorf("offer the repository's key: %w", err)
		}
		env.setAll(pairs)
		r.atEnd(closeEnv)
	}
	inv := r.spec.Inventory
	if inv == nil || inv.UserKey == nil || inv.UserKey.Type != KeySSH {
		return nil
	}
	raw, _, err := sshagent.ParseKey([]byte(inv.UserKey.PrivateKey.Reveal()), []byte(inv.UserKey.Passphrase.Reveal()))
	if err != nil {
		return fmt.Errorf("open inventory key: %w", err)
	}
	r.agent, err = sshagent.Start(r.dir.linked(dirControl), raw)
	if err != nil {
		return fmt.Errorf("start ssh agent: %w", err)
	}
	env.set("SSH_AUTH_SOCK", r.agent.Socket())
	return nil
}

// prepareSSH makes ssh check host keys where the project wants it: programs of
// the same names, first on PATH, call the real ones with a configuration of the
// run in front. Options that a repository sets still win.
func (r *run) prepareSSH(env *environ, dirs toolDirs) error {
	if !checksHostKeys(r.spec.HostKeys.Policy) {
		return nil
	}
	known := r.dir.file(dirSecret, "known_hosts")
	if err := os.WriteFile(known, knownHosts(r.spec.HostKeys.Known), 0o600); err != nil {
		return fmt.Errorf("write known hosts: %w", err)
	}
	config := r.dir.file(dirSecret, "ssh_config")
	if err := os.WriteFile(config, sshConfig(r.spec.HostKeys.Policy, r.dir.linked(dirSecret, "known_hosts"), r.job.cfg.SSHConfig, dirs.home), 0o600); err != nil {
		return fmt.Errorf("write ssh configuration: %w", err)
	}
	for _, name := range []string{"ssh", "scp", "sftp"} {
		program, ok := findProgram(name, env.get("PATH"))
		if !ok {
			if name == "ssh" {
				return invalid("host_keys.policy", "ssh is not on PATH: install openssh-client")
			}
			continue
		}
		script := fmt.Sprintf("#!/bin/sh\nexec %s -F %s \"$@\"\n", shellQuote(program), shellQuote(r.dir.linked(dirSecret, "ssh_config")))
		if err := os.WriteFile(r.dir.file(dirBin, name), []byte(script), 0o700); err != nil {
			return fmt.Errorf("write %s wrapper: %w", name, err)
		}
	}
	env.prepend("PATH", r.dir.linked(dirBin))
	r.atEnd(func() error { return r.reportHostKeys(known) })
	return nil
}

// sshConfig is the configuration in front of the system's own. What the user
// has configured is read first and wins.
func sshConfig(policy HostKeyPolicy, known, userConfig, home string) []byte {
	if userConfig == "" {
		userConfig = filepath.Join(home, ".ssh", "config")
	}
	check := "accept-new"
	if policy == HostKeysStrict {
		check = "yes"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Include %q\n", userConfig)
	fmt.Fprintf(&b, "Host *\n  UserKnownHostsFile %q\n  GlobalKnownHostsFile /dev/null\n", known)
	fmt.Fprintf(&b, "  HashKnownHosts no\n  StrictHostKeyChecking %s\n", check)
	fmt.Fprintf(&b, "Include /etc/ssh/ssh_config\n")
	return b.Bytes()
}

// knownHosts writes keys as a known_hosts file.
func knownHosts(keys []HostKey) []byte {
	var b bytes.Buffer
	for _, k := range keys {
		b.WriteString(k.Line())
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// reportHostKeys tells the sink about keys that were not known before.
func (r *run) reportHostKeys(file string) error {
	text, err := r.dir.readFile(file)
	if err != nil {
		return fmt.Errorf("read learned host keys: %w", err)
	}
	for _, key := range newHostKeys(text, r.spec.HostKeys.Known) {
		r.learned(key)
	}
	return nil
}

// newHostKeys lists the keys of a known_hosts file that are not in known.
func newHostKeys(text []byte, known []HostKey) []HostKey {
	seen := map[string]bool{}
	for _, k := range known {
		seen[k.Line()] = true
	}
	var keys []HostKey
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || strings.HasPrefix(fields[0], "@") {
			continue
		}
		key := HostKey{Host: fields[0], Key: fields[1] + " " + fields[2]}
		if !seen[key.Line()] {
			seen[key.Line()] = true
			keys = append(keys, key)
		}
	}
	return keys
}

// shellQuote makes one word of s for a POSIX shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// NeedsPassphrase tells whether the private key of k is encrypted. A text that
// is no private key is an error.
func NeedsPassphrase(k *Key) (bool, error) {
	_, _, err := sshagent.ParseKey([]byte(k.PrivateKey.Reveal()), nil)
	if errors.Is(err, sshagent.ErrPassphraseNeeded) {
		return true, nil
	}
	return false, err
}
