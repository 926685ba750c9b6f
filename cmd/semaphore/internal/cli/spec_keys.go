package cli

import (
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/job"
)

func (o *runOptions) fillKeys(spec *job.Spec, a *asker) error {
	if o.gitKey != "" {
		key, err := o.sshKeyFrom("--git-key", o.gitKey, o.gitUser, a)
		if err != nil {
			return err
		}
		spec.Repository.Key = key
	} else if o.gitPasswordFile != "" {
		password, err := secretFile("--git-password-file", o.gitPasswordFile)
		if err != nil {
			return err
		}
		spec.Repository.Key = &job.Key{Name: "repository", Type: job.KeyLoginPassword, Login: o.gitUser, Password: password}
	}
	return nil
}

// sshKeyFrom reads a private key and asks for its passphrase if it has one.
func (o *runOptions) sshKeyFrom(flag, file, login string, a *asker) (*job.Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("%s: %v", flag, pathError(err))
	}
	key := &job.Key{Name: filepath.Base(file), Type: job.KeySSH, Login: login, PrivateKey: job.NewSecret(string(text))}
	needs, err := job.NeedsPassphrase(key)
	if err != nil {
		return nil, usage("%s: %s is no private key", flag, file)
	}
	if !needs {
		return key, nil
	}
	if o.sshPassphraseFile != "" {
		key.Passphrase, err = secretFile("--ssh-passphrase-file", o.sshPassphraseFile)
	} else {
		key.Passphrase, err = a.secret("passphrase of " + file)
	}
	return key, err
}

func (o *runOptions) userKey(a *asker) (*job.Key, error) {
	if o.sshKey != "" {
		return o.sshKeyFrom("--ssh-key", o.sshKey, o.user, a)
	}
	return passwordKey("connection", o.user, "--connection-password-file", o.connectionPassword, o.askPass, a)
}

func (o *runOptions) becomeKey(a *asker) (*job.Key, error) {
	return passwordKey("become", o.becomeUser, "--become-password-file", o.becomePass, o.askBecomePass, a)
}

func passwordKey(what, login, flag, file string, ask bool, a *asker) (*job.Key, error) {
	if login == "" && file == "" && !ask {
		return nil, nil
	}
	key := &job.Key{Name: what, Type: job.KeyLoginPassword, Login: login}
	var err error
	switch {
	case file != "":
		key.Password, err = secretFile(flag, file)
	case ask:
		key.Password, err = a.secret(what + " password")
	}
	return key, err
}
