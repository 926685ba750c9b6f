package runner

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
)

// Files of a runner in its data directory.
const (
	tokenName    = "runner_token.txt"
	keyName      = "runner_key.txt"
	instanceName = "runner_instance.txt"
	nonceName    = "runner_registration.txt"
	lockName     = "runner.lock"
	spoolName    = "runner_spool"
)

// identity is what makes a runner this one.
type identity struct {
	dir       string // data directory
	tokenFile string
	keyFile   string
	given     string // token of the configuration, which no file holds
}

// identityOf finds the places. The data directory is made.
func identityOf(cfg *config.Config) (identity, error) {
	id := identity{dir: cfg.DataDir, tokenFile: cfg.Runner.TokenFile, keyFile: cfg.Runner.PrivateKeyFile, given: cfg.Runner.Token.Reveal()}
	if err := os.MkdirAll(id.dir, 0o700); err != nil {
		return id, fmt.Errorf("data directory: %w: set data_dir", err)
	}
	if id.tokenFile == "" {
		id.tokenFile = filepath.Join(id.dir, tokenName)
	}
	if id.keyFile == "" {
		id.keyFile = filepath.Join(id.dir, keyName)
	}
	return id, nil
}

// token returns the token, "" where there is none yet.
func (id identity) token() (string, error) {
	if id.given != "" {
		return id.given, nil
	}
	text, err := os.ReadFile(id.tokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// key returns the private key, which is made on first use and never leaves this
// machine.
func (id identity) key() (crypto.BoxPrivate, error) {
	text, err := os.ReadFile(id.keyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return id.makeKey()
	case err != nil:
		return crypto.BoxPrivate{}, fmt.Errorf("private key: %w", err)
	case strings.Contains(string(text), "RSA PRIVATE KEY"):
		return crypto.BoxPrivate{}, fmt.Errorf("private key %s is of Semaphore UI's protocol: name a file that does not exist yet in runner.private_key_file, and a new key is made", id.keyFile)
	}
	key, err := crypto.ParseBoxPrivate(string(text))
	if err != nil {
		return key, fmt.Errorf("%s: %w: put the file back, or remove it and register anew", id.keyFile, err)
	}
	return key, nil
}

func (id identity) makeKey() (crypto.BoxPrivate, error) {
	key, _, err := crypto.GenerateBoxKey()
	if err != nil {
		return key, err
	}
	if err := writePrivate(id.keyFile, key.Encode()); err != nil {
		return key, fmt.Errorf("private key: %w: let this account write there, or set data_dir or runner.private_key_file", err)
	}
	return key, nil
}

// instance names the data directory for ever, so that the server knows a
// restart as one.
func (id identity) instance() (string, error) {
	name, _, err := id.random(instanceName)
	if err != nil {
		return "", fmt.Errorf("name of the data directory: %w", err)
	}
	return name, nil
}

// nonce names a registration until it has succeeded or was refused, so that one
// whose answer was lost is the same when it is made again, by this process or a
// later one. It tells whether an earlier call may have had it.
func (id identity) nonce() (nonce string, kept bool, err error) {
	if nonce, kept, err = id.random(nonceName); err != nil {
		return "", false, fmt.Errorf("name of the registration: %w", err)
	}
	return nonce, kept, nil
}

// dropNonce ends a registration.
func (id identity) dropNonce() error {
	if err := os.Remove(filepath.Join(id.dir, nonceName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the name of the registration: %w", err)
	}
	return nil
}

// random returns what a file holds, which is a random text from its first use on.
func (id identity) random(name string) (text string, kept bool, err error) {
	file := filepath.Join(id.dir, name)
	data, err := os.ReadFile(file)
	if text := strings.TrimSpace(string(data)); err == nil && text != "" {
		return text, true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	text = rand.Text()
	if err := writePrivate(file, text); err != nil {
		return "", false, fmt.Errorf("%w: let this account write there, or set data_dir", err)
	}
	return text, false, nil
}

// keepToken stores the token.
func (id identity) keepToken(token string) error {
	if err := writePrivate(id.tokenFile, token); err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	return nil
}

// forget removes the token. The key stays: it is of no use without one.
func (id identity) forget() error {
	if err := os.Remove(id.tokenFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove token: %w", err)
	}
	return nil
}

// writePrivate writes a small file at once, for nobody else to read.
func writePrivate(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
