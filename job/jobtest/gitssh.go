package jobtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// GitSSH is an ssh server on the loopback that serves git repositories and
// nothing else.
type GitSSH struct {
	Addr string // host:port

	root     string
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	config  *ssh.ServerConfig
	keys    [][]byte
	users   []string
	clients map[net.Conn]struct{}
}

// NewGitSSH serves the repositories below root to who has one of keys.
func NewGitSSH(t testing.TB, root string, keys ...ssh.PublicKey) *GitSSH {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &GitSSH{Addr: listener.Addr().String(), root: root, listener: listener, clients: map[net.Conn]struct{}{}}
	for _, k := range keys {
		s.keys = append(s.keys, k.Marshal())
	}
	s.ChangeHostKey(t)
	s.wg.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

// URL is the address of a repository below root.
func (s *GitSSH) URL(path string) string { return "ssh://git@" + s.Addr + "/" + path }

// Host is the server's name in known_hosts form.
func (s *GitSSH) Host() string {
	host, port, _ := net.SplitHostPort(s.Addr)
	return "[" + host + "]:" + port
}

// Users are the login names that were let in.
func (s *GitSSH) Users() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.users)
}

// ChangeHostKey gives the server a new host key and returns it as known_hosts
// has it.
func (s *GitSSH) ChangeHostKey(t testing.TB) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	config := &ssh.ServerConfig{PublicKeyCallback: func(conn ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, k := range s.keys {
			if bytes.Equal(k, key.Marshal()) {
				s.users = append(s.users, conn.User())
				return &ssh.Permissions{}, nil
			}
		}
		return nil, fmt.Errorf("unknown key for %s", conn.User())
	}}
	config.AddHostKey(signer)
	s.mu.Lock()
	s.config = config
	s.mu.Unlock()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func (s *GitSSH) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for conn := range s.clients {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *GitSSH) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.clients[conn] = struct{}{}
		config := s.config
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(conn, config)
			_ = conn.Close()
			s.mu.Lock()
			delete(s.clients, conn)
			s.mu.Unlock()
		})
	}
}

func (s *GitSSH) serve(conn net.Conn, config *ssh.ServerConfig) {
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // the client may have gone first
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	for open := range channels {
		if open.ChannelType() != "session" {
			_ = open.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, requests, err := open.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() { s.session(ctx, channel, requests) })
	}
}

var gitCommand = regexp.MustCompile(`^(git-upload-pack|git-receive-pack) '/?([^']+)'$`)

// session executes git's two server programs.
func (s *GitSSH) session(ctx context.Context, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for req := range requests {
		if req.Type != "exec" {
			_ = req.Reply(req.Type == "env", nil)
			continue
		}
		var payload struct{ Command string }
		m := gitCommand.FindStringSubmatch("")
		if ssh.Unmarshal(req.Payload, &payload) == nil {
			m = gitCommand.FindStringSubmatch(payload.Command)
		}
		_ = req.Reply(m != nil, nil)
		if m == nil {
			return
		}
		cmd := exec.CommandContext(ctx, m[1], filepath.Join(s.root, filepath.Clean("/"+m[2])))
		cmd.Env = append(cmd.Environ(), plainGit(s.root)...)
		cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
		stdin, err := cmd.StdinPipe()
		if err != nil || cmd.Start() != nil {
			return
		}
		s.wg.Go(func() {
			_, _ = io.Copy(stdin, channel)
			_ = stdin.Close()
		})
		status := struct{ Code uint32 }{}
		if err := cmd.Wait(); err != nil {
			status.Code = 1
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(&status))
		return
	}
}

// SSHKey makes an ssh key. Its private half is in OpenSSH form, under the
// passphrase if that is not empty.
func SSHKey(t testing.TB, passphrase string) (private string, public ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "test")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "test", []byte(passphrase))
	}
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block)), signer.PublicKey()
}
