package job_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// realSSHD is OpenSSH's own server on the loopback, which lets one key in.
type realSSHD struct {
	host, port string
	publicKey  string // of the host, "ssh-ed25519 AAAA"
}

func startSSHD(t *testing.T, allowed ssh.PublicKey) *realSSHD {
	t.Helper()
	sshd := "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		t.Skip("sshd is not installed")
	}
	dir, err := os.MkdirTemp("", "sshd")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	if os.Getuid() == 0 {
		require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) // sshd's own requirement
	}
	hostKey := filepath.Join(dir, "host")
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey).CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	authorized := filepath.Join(dir, "authorized")
	require.NoError(t, os.WriteFile(authorized, ssh.MarshalAuthorizedKey(allowed), 0o644))
	port := freePort(t)
	config := filepath.Join(dir, "config")
	text := fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n", port, hostKey, authorized)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
	cmd := exec.Command(sshd, "-D", "-e", "-f", config)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, 10*time.Second, "sshd to listen", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	public, err := os.ReadFile(hostKey + ".pub")
	require.NoError(t, err)
	return &realSSHD{host: "127.0.0.1", port: port, publicKey: strings.Join(strings.Fields(string(public))[:2], " ")}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func (s *realSSHD) known() job.HostKey {
	return job.HostKey{Host: "[" + s.host + "]:" + s.port, Key: s.publicKey}
}

const remotePlay = `- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: echo over ssh
      register: r
    - ansible.builtin.debug: {msg: "{{ r.stdout }}"}
`

func (b *bench) overSSH(s *realSSHD, key string, content files) *job.Spec {
	me, err := user.Current()
	require.NoError(b.t, err)
	spec := b.ansible(repository(b.t, content), "site.yml")
	spec.Inventory.Text = fmt.Sprintf("target ansible_host=%s ansible_port=%s\n", s.host, s.port)
	spec.Inventory.UserKey = &job.Key{Type: job.KeySSH, Login: me.Username, PrivateKey: job.NewSecret(key), Passphrase: job.NewSecret("phrase of the key")}
	return spec
}

func TestAnsibleOverSSHWithAPassphraseKey(t *testing.T) {
	t.Parallel()
	key, public := jobtest.SSHKey(t, "phrase of the key")
	server := startSSHD(t, public)
	b := setup(t)
	spec := b.overSSH(server, key, files{"site.yml": remotePlay})
	require.Contains(t, b.ok(spec).Output(), "over ssh")
	require.Empty(t, alive(b.links), "ssh masters end with the task")

	spec.HostKeys.Policy = job.HostKeysPin
	rec := b.ok(spec)
	require.Equal(t, []job.HostKey{server.known()}, rec.HostKeys(), "first use is learned")

	spec.HostKeys.Known = rec.HostKeys()
	rec = b.ok(spec)
	require.Empty(t, rec.HostKeys())

	other, _ := jobtest.SSHKey(t, "")
	signer, err := ssh.ParsePrivateKey([]byte(other))
	require.NoError(t, err)
	wrong := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	spec.HostKeys.Known = []job.HostKey{{Host: server.known().Host, Key: wrong}}
	rec = &jobtest.Recorder{}
	require.Error(t, b.run(spec, rec))
	require.Contains(t, rec.Output(), "REMOTE HOST IDENTIFICATION HAS CHANGED")

	spec.HostKeys = job.HostKeys{Policy: job.HostKeysStrict}
	require.Error(t, b.run(spec, &jobtest.Recorder{}), "an unknown host is refused")
	spec.HostKeys.Known = []job.HostKey{server.known()}
	b.ok(spec)
}

func TestABastionOfTheRepositoryStaysInForce(t *testing.T) {
	t.Parallel()
	key, public := jobtest.SSHKey(t, "phrase of the key")
	bastion, target := startSSHD(t, public), startSSHD(t, public)
	b := setup(t)
	me, err := user.Current()
	require.NoError(t, err)
	spec := b.overSSH(target, key, files{
		"site.yml":    remotePlay,
		"ansible.cfg": fmt.Sprintf("[ssh_connection]\nssh_args = -o ControlMaster=auto -o ControlPersist=60s -o ProxyCommand=\"ssh -p %s -W %%h:%%p %s@%s\"\n", bastion.port, me.Username, bastion.host),
	})
	spec.HostKeys.Policy = job.HostKeysPin
	rec := b.ok(spec)
	require.Contains(t, rec.Output(), "over ssh")
	require.ElementsMatch(t, []job.HostKey{bastion.known(), target.known()}, rec.HostKeys(), "both hosts are pinned")

	spec.HostKeys.Known = []job.HostKey{target.known(), {Host: bastion.known().Host, Key: target.publicKey}}
	require.Error(t, b.run(spec, &jobtest.Recorder{}), "a changed bastion is refused")
	require.Empty(t, alive(b.links))
}

// passwordSSHD is a server in this process that runs commands for who knows
// the password.
func passwordSSHD(t *testing.T, password string) (port string) {
	t.Helper()
	private, _ := jobtest.SSHKey(t, "")
	signer, err := ssh.ParsePrivateKey([]byte(private))
	require.NoError(t, err)
	config := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, got []byte) (*ssh.Permissions, error) {
		if string(got) != password {
			return nil, fmt.Errorf("wrong password")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serveShell(conn, config) })
		}
	})
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func serveShell(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			defer channel.Close()
			for req := range requests {
				if req.Type != "exec" {
					_ = req.Reply(req.Type == "env" || req.Type == "pty-req", nil)
					continue
				}
				_ = req.Reply(true, nil)
				cmd := exec.Command("/bin/sh", "-c", string(req.Payload[4:]))
				cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
				if in, err := cmd.StdinPipe(); err == nil {
					go func() { _, _ = io.Copy(in, channel); _ = in.Close() }()
				}
				_ = cmd.Run()
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(cmd.ProcessState.ExitCode())}))
				return
			}
		}()
	}
}

func TestAnsibleOverSSHWithAPassword(t *testing.T) {
	t.Parallel()
	need(t, "sshpass")
	port := passwordSSHD(t, "connection-canary")
	for _, policy := range []job.HostKeyPolicy{job.HostKeysOff, job.HostKeysPin} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			spec := b.ansible(repository(t, files{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.raw: echo logged in\n"}), "site.yml")
			spec.Inventory.Text = "target ansible_host=127.0.0.1 ansible_port=" + port + "\n"
			spec.Inventory.UserKey = &job.Key{Type: job.KeyLoginPassword, Login: "operator", Password: job.NewSecret("connection-canary")}
			spec.Ansible = &job.AnsibleOptions{AllowDebug: true, Debug: true, DebugLevel: 1}
			spec.HostKeys.Policy = policy
			require.Contains(t, b.ok(spec).Output(), "logged in")

			spec.Inventory.UserKey.Password = job.NewSecret("not-the-password")
			require.Error(t, b.run(spec, &jobtest.Recorder{}))
		})
	}
}

// TestAStopEndsTheSSHMasters stops in the middle of a remote command.
func TestAStopEndsTheSSHMasters(t *testing.T) {
	t.Parallel()
	key, public := jobtest.SSHKey(t, "phrase of the key")
	server := startSSHD(t, public)
	b := setup(t)
	spec := b.overSSH(server, key, files{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: echo one\n    - ansible.builtin.debug: {msg: ready}\n    - ansible.builtin.command: sleep 60\n"})
	_, took, err := b.stopAt(spec, "ready", func(s *job.Stopper) {
		require.NotEmpty(t, alive(b.links), "masters and the playbook run")
		s.Stop(nil)
	})
	require.ErrorIs(t, err, job.ErrStopped)
	require.Empty(t, alive(b.links))
	t.Logf("stop of Ansible over ssh to the end of its masters: %v", took.Round(time.Millisecond))
}
