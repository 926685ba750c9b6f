//go:build linux

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds every wait of these tests.
const patience = 60 * time.Second

// program is the command as it is shipped, built once for all tests.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(built, "semaphore")
	cmd := exec.Command("go", "build", "-o", file, "github.com/alexandervashurin/semaphore/cmd/semaphore")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

// bareEnv is an environment without any configuration: what the program needs
// to find its tools, and a home of its own.
func bareEnv(home string, more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "TF_CLI_CONFIG_FILE=/dev/null", "CHECKPOINT_DISABLE=1"}, more...)
}

// said gathers what a process writes, and lets others wait for it.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // closed and replaced with each write
}

func newSaid() *said { return &said{news: make(chan struct{})} }

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	close(s.news)
	s.news = make(chan struct{})
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait returns the groups of the first match. It gives up when the process has
// ended without it.
func (s *said) wait(t *testing.T, pattern string, ended <-chan struct{}) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.After(patience)
	for over := false; ; {
		s.mu.Lock()
		found, news := re.FindStringSubmatch(s.text.String()), s.news
		s.mu.Unlock()
		if found != nil {
			return found
		}
		if over {
			require.FailNow(t, "it ended without saying "+pattern, s.String())
		}
		select {
		case <-news:
		case <-ended:
			over = true
		case <-limit:
			require.FailNow(t, "it does not say "+pattern, s.String())
		}
	}
}

// server is a running `semaphore server` and a client of it.
type server struct {
	t        *testing.T
	dir      string // its data_dir
	url      string
	password string // of admin, where this start made it
	out      *said
	cmd      *exec.Cmd
	ended    chan struct{}
	client   *http.Client
}

// launch is how a server is started. The zero value serves a fresh directory.
type launch struct {
	dir  string   // data_dir. Defaults to a new one.
	args []string // behind `semaphore server --no-config --port 0`
	env  []string
	root bool // args are everything behind `semaphore`
}

// start starts the program and does not wait for anything.
func (l launch) start(t *testing.T) *server {
	t.Helper()
	file, err := program()
	require.NoError(t, err)
	if l.dir == "" {
		l.dir = t.TempDir()
	}
	args := l.args
	if !l.root {
		args = append([]string{"server", "--no-config", "--port", "0", "--data-dir", l.dir}, l.args...)
	}
	s := &server{t: t, dir: l.dir, out: newSaid(), ended: make(chan struct{}), client: newClient(t)}
	s.cmd = exec.Command(file, args...) // stopped by its own signals, not by the end of a context
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = bareEnv(s.cmd.Dir, append([]string{"SEMAPHORE_INTERFACE=127.0.0.1", "TMPDIR=" + t.TempDir()}, l.env...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	require.NoError(t, s.cmd.Start())
	go func() {
		_ = s.cmd.Wait() // the state is read by exit
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.ended
		if t.Failed() {
			t.Logf("the server said:\n%s", s.out)
		}
	})
	return s
}

// serve starts the program and waits until it serves.
func (l launch) serve(t *testing.T) *server {
	t.Helper()
	s := l.start(t)
	s.url = s.out.wait(t, `serving (?:\S+ at )?(http\S+) \(stop`, s.ended)[1]
	if m := regexp.MustCompile(`with the password (\S+) \(shown once\)`).FindStringSubmatch(s.out.String()); m != nil {
		s.password = m[1]
	}
	return s
}

func newClient(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: patience}
}

// signal sends a signal and waits for nothing.
func (s *server) signal(sig os.Signal) { require.NoError(s.t, s.cmd.Process.Signal(sig)) }

// exit waits for the end and returns the exit code, -1 for one by a signal.
func (s *server) exit() int {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		require.FailNow(s.t, "the server does not end", s.out.String())
	}
	return s.cmd.ProcessState.ExitCode()
}

// stop ends it as Ctrl-C does, which is no failure.
func (s *server) stop() {
	s.t.Helper()
	s.signal(os.Interrupt)
	require.Zero(s.t, s.exit(), s.out.String())
}

// kill ends it without a word.
func (s *server) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	require.Equal(s.t, -1, s.exit())
}

// do sends a request and returns status and body. The body is JSON, or a text
// that is sent as it is.
func (s *server) do(method, path string, body any) (int, string) {
	s.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		require.NoError(s.t, err)
		in = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url+"/api"+path, in)
	require.NoError(s.t, err)
	res, err := s.client.Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return res.StatusCode, string(text)
}

// must sends a request that has to succeed and decodes the reply.
func (s *server) must(method, path string, body, out any) {
	s.t.Helper()
	status, text := s.do(method, path, body)
	require.Lessf(s.t, status, 300, "%s %s: %s", method, path, text)
	if out != nil {
		require.NoError(s.t, json.Unmarshal([]byte(text), out), text)
	}
}

// signIn signs in; the cookie stays in the client.
func (s *server) signIn(login, password string) int {
	s.t.Helper()
	status, _ := s.do("POST", "/auth/login", map[string]string{"auth": login, "password": password})
	return status
}

// admin signs in as the administrator that this start made.
func (s *server) admin() *server {
	s.t.Helper()
	require.NotEmpty(s.t, s.password, s.out.String())
	require.Equal(s.t, http.StatusNoContent, s.signIn("admin", s.password))
	return s
}

// command runs another command of the program with the same directory and
// environment.
func (s *server) command(args ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), s.cmd.Path, append([]string{"--no-config"}, args...)...)
	cmd.Env = append(slices.Clone(s.cmd.Env), "SEMAPHORE_DATA_DIR="+s.dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
