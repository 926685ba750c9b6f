// Package sshagent opens private keys and offers them to programs through an
// ssh agent inside this process, so that no key is ever written to a file.
package sshagent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// maxSocketPath is what every system takes: Linux has 107 bytes, macOS 103.
const maxSocketPath = 100

// Agent serves keys on a unix socket until it is closed.
type Agent struct {
	socket   string
	short    string // directory with the short link; "" where none was needed
	listener net.Listener
	keys     agent.ExtendedAgent

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	wg     sync.WaitGroup
}

// Start serves keys, as [ParseKey] returns them, on a socket of mode 0600 in
// dir, which only this user should be able to enter. Programs can list the keys
// and sign with them; they can neither add, remove nor lock. Where the path
// would be too long for a socket, it goes through a link in a directory of mode
// 0700 below the system's temporary directory.
func Start(dir string, keys ...any) (*Agent, error) {
	ring := agent.NewKeyring()
	for _, key := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
			return nil, fmt.Errorf("add key to ssh agent: %w", err)
		}
	}
	extended, ok := ring.(agent.ExtendedAgent)
	if !ok {
		return nil, errors.New("ssh agent: the key ring cannot sign with flags")
	}
	a := &Agent{keys: readOnly{extended}, conns: map[net.Conn]struct{}{}}
	if err := a.listen(dir); err != nil {
		return nil, err
	}
	a.wg.Go(a.accept)
	return a, nil
}

// Socket is the path for SSH_AUTH_SOCK or IdentityAgent.
func (a *Agent) Socket() string { return a.socket }

// Close ends the agent and removes its socket. A second call does nothing.
func (a *Agent) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true
	err := a.listener.Close()
	for conn := range a.conns {
		_ = conn.Close()
	}
	a.mu.Unlock()
	a.wg.Wait()
	if a.short != "" {
		err = errors.Join(err, os.RemoveAll(a.short))
	}
	if err != nil {
		return fmt.Errorf("close ssh agent: %w", err)
	}
	return nil
}

// listen binds the socket under a name of its own, so that several agents can
// share a directory.
func (a *Agent) listen(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("start ssh agent: %w", err)
	}
	name, err := freeName(dir)
	if err != nil {
		return err
	}
	a.socket = filepath.Join(dir, name)
	if len(a.socket) > maxSocketPath {
		a.short, err = os.MkdirTemp("", "agent-")
		if err != nil {
			return fmt.Errorf("start ssh agent: %w", err)
		}
		link := filepath.Join(a.short, "d")
		if err := os.Symlink(dir, link); err != nil {
			return errors.Join(fmt.Errorf("start ssh agent: %w", err), os.RemoveAll(a.short))
		}
		a.socket = filepath.Join(link, name)
	}
	a.listener, err = net.Listen("unix", a.socket)
	if err == nil {
		err = os.Chmod(a.socket, 0o600)
		if err != nil {
			err = errors.Join(err, a.listener.Close())
		}
	}
	if err != nil {
		if a.short != "" {
			err = errors.Join(err, os.RemoveAll(a.short))
		}
		return fmt.Errorf("start ssh agent: %w", err)
	}
	return nil
}

func freeName(dir string) (string, error) {
	f, err := os.CreateTemp(dir, "a")
	if err != nil {
		return "", fmt.Errorf("start ssh agent: %w", err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return "", fmt.Errorf("start ssh agent: %w", err)
	}
	return filepath.Base(f.Name()), nil
}

func (a *Agent) accept() {
	for {
		conn, err := a.listener.Accept()
		if err != nil {
			return
		}
		a.mu.Lock()
		if a.closed {
			a.mu.Unlock()
			_ = conn.Close()
			return
		}
		a.conns[conn] = struct{}{}
		a.wg.Go(func() { a.serve(conn) })
		a.mu.Unlock()
	}
}

func (a *Agent) serve(conn net.Conn) {
	defer func() {
		_ = recover() // a malformed request ends its own connection only
		a.mu.Lock()
		delete(a.conns, conn)
		a.mu.Unlock()
		_ = conn.Close()
	}()
	_ = agent.ServeAgent(a.keys, conn)
}

// errReadOnly answers everything that would change the key ring.
var errReadOnly = errors.New("this ssh agent cannot be changed")

// readOnly lists and signs, nothing else.
type readOnly struct{ agent.ExtendedAgent }

func (readOnly) Add(agent.AddedKey) error       { return errReadOnly }
func (readOnly) Remove(ssh.PublicKey) error     { return errReadOnly }
func (readOnly) RemoveAll() error               { return errReadOnly }
func (readOnly) Lock([]byte) error              { return errReadOnly }
func (readOnly) Unlock([]byte) error            { return errReadOnly }
func (readOnly) Signers() ([]ssh.Signer, error) { return nil, errReadOnly }
func (readOnly) Extension(string, []byte) ([]byte, error) {
	return nil, agent.ErrExtensionUnsupported
}
