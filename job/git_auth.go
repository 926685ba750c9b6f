package job

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// offerKey makes the remote's key usable for git, and only for the host of the
// remote: an ssh key through an agent, login and password through a credential
// helper. Neither is on a command line or in a configuration file.
func (s *gitSession) offerKey(ctx context.Context, env *environ) error {
	switch {
	case s.real.IsHTTP():
		settings, err := s.credentialHelper()
		if err != nil {
			return err
		}
		s.config = configArgs(settings)
		if len(settings) > 0 {
			env.set("GIT_ASKPASS", "") // no program of the administrator's is asked instead
		}
	case s.real.Scheme == "ssh":
		command, err := s.sshCommand(ctx, env)
		if err != nil {
			return err
		}
		env.set("GIT_SSH_COMMAND", command)
		env.set("GIT_SSH_VARIANT", "ssh")
	}
	return nil
}

// credentialScript answers git's credential protocol for one host. git hands
// protocol and host over as separate fields, so that no address can pass for
// another one.
const credentialScript = //nolint:gosec // it reads the secret from a file
`#!/bin/sh
test "$1" = get || exit 0
protocol= host=
while IFS= read -r line; do
	case "$line" in
	protocol=*) protocol=${line#protocol=} ;;
	host=*) host=${line#host=} ;;
	'') break ;;
	esac
done
case "$protocol://$host" in
%s) cat %s ;;
esac
`

// credentialHelper writes the helper with its answer and returns the settings
// that make git ask it and nobody else. Without a login key there are none.
func (s *gitSession) credentialHelper() ([]string, error) {
	k := s.remote.Key
	if k == nil || k.Type != KeyLoginPassword || k.Login == "" && k.Password.Empty() {
		return nil, nil
	}
	login, password := s.real.Login(k.Login, k.Password.Reveal()), k.Password.Reveal()
	if strings.ContainsAny(login+password, "\x00\r\n") {
		return nil, invalid("repository.key", "login or password contains a line break")
	}
	answer, script := filepath.Join(s.dir, "credential"), filepath.Join(s.dir, "credential-helper")
	if err := os.WriteFile(answer, []byte("username="+login+"\npassword="+password+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write credential: %w", err)
	}
	origins := []string{s.real.Scheme + "://" + s.real.HostPort()}
	if s.real.Scheme == "http" && s.real.Port == "" {
		origins = append(origins, "https://"+s.real.HostPort()) // servers send plain http there
	}
	patterns, settings := make([]string, 0, 2), []string{"credential.helper="}
	for _, origin := range origins {
		patterns = append(patterns, shellQuote(origin))
		settings = append(settings, "credential."+origin+".helper=!"+shellQuote(script))
	}
	text := fmt.Sprintf(credentialScript, strings.Join(patterns, "|"), shellQuote(answer))
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		return nil, fmt.Errorf("write credential helper: %w", err)
	}
	return settings, nil
}

// TaskEnv returns the environment that lets a task's own git fetch from and
// push to r with r's key while the task runs. Closing ends the agent, removes
// the files and reports newly met host keys to r.Learned. Whoever runs the task
// as another user hands that user the files in r.ScratchDir.
func (g GitCLI) TaskEnv(ctx context.Context, r Remote) (env []string, closing func() error, err error) {
	s, err := g.open(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	env = []string{"GIT_TERMINAL_PROMPT=0"}
	count, first := 0, 0
	for _, pair := range s.env {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS":
			env = append(env, pair)
		case "GIT_CONFIG_COUNT": // the administrator's own settings stay in front
			first, _ = strconv.Atoi(value)
		}
	}
	for i := 1; i < len(s.config); i += 2 { // "-c", "key=value", ...
		key, value, _ := strings.Cut(s.config[i], "=") // an address holds no "="
		env = append(env,
			fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", first+count, key),
			fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", first+count, value))
		count++
	}
	if count > 0 {
		env = append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(first+count))
	}
	return env, func() error {
		s.learn()
		return s.close()
	}, nil
}
