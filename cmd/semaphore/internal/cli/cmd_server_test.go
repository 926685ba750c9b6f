//go:build linux

package cli_test

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/open"
)

func TestAFreshServerServesAndStopsOnCtrlC(t *testing.T) {
	t.Parallel()
	s := launch{}.serve(t)
	require.Regexp(t, `^http://127\.0\.0\.1:[1-9]\d+$`, s.url, "the port that was found")
	require.Contains(t, s.out.String(), filepath.Join(s.dir, "access.key"))
	require.Equal(t, http.StatusUnauthorized, s.signIn("admin", "wrong"))
	status, _ := s.do("GET", "/user", nil)
	require.Equal(t, http.StatusUnauthorized, status)
	s.admin()
	var user struct {
		Username string
		Admin    bool
	}
	s.must("GET", "/user", nil, &user)
	require.Equal(t, "admin", user.Username)
	require.True(t, user.Admin)
	require.NotContains(t, strings.Replace(s.out.String(), s.password, "", 1), s.password, "it is shown once")
	onlyOurs(t, s.dir)

	// Tests hash cheaply, the program does not.
	st, err := open.Open(t.Context(), "sqlite:"+filepath.Join(s.dir, "semaphore.db"), open.Config{})
	require.NoError(t, err)
	row, err := st.Users().ByLogin(t.Context(), "admin")
	require.NoError(t, err)
	require.NoError(t, st.Close())
	cost, err := bcrypt.Cost([]byte(row.Password))
	require.NoError(t, err)
	require.GreaterOrEqual(t, cost, 11)

	s.stop()
	s.noProcess()
	again := launch{dir: s.dir}.serve(t)
	require.Empty(t, again.password)
	require.NotContains(t, again.out.String(), "password")
	require.NotContains(t, again.out.String(), "access.key")
	require.Equal(t, http.StatusNoContent, again.signIn("admin", s.password))
	again.stop()
}

// onlyOurs is that no file of a data directory can be read by others, by its own
// mode or because it is below a directory that they cannot enter. The demo is
// public anyway.
func onlyOurs(t *testing.T, dir string) {
	t.Helper()
	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		require.NoError(t, err)
		switch {
		case d.IsDir() && (info.Mode().Perm()&0o077 == 0 || path == filepath.Join(dir, "demo")):
			return fs.SkipDir
		case d.IsDir(), d.Type() == fs.ModeSymlink:
			return nil
		}
		files++
		require.Zerof(t, info.Mode().Perm()&0o077, "%s is %s", path, info.Mode())
		return nil
	}))
	require.Positive(t, files)
	info, err := os.Stat(filepath.Join(dir, "access.key"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

func TestAServerSaysWhereItIsReached(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	byVariable := launch{root: true, dir: dir, args: []string{"server", "--no-config"}, env: []string{
		"SEMAPHORE_PORT=0", "SEMAPHORE_DATA_DIR=" + dir, "SEMAPHORE_WEB_ROOT=https://ci.example.org/semaphore/",
	}}.serve(t)
	require.Regexp(t, `serving https://ci\.example\.org/semaphore at http://127\.0\.0\.1:[1-9]\d+ \(stop`, byVariable.out.String())
	status, text := byVariable.do("GET", "/ping", nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "pong", text)
	byVariable.url += "/semaphore"
	status, _ = byVariable.do("GET", "/ping", nil)
	require.Equal(t, http.StatusOK, status)

	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	for args, says := range map[string]string{
		"--port " + port: "address already in use: choose another port",
		"--port x":       "--port: a number up to 65535 is expected",
		"--port 70000":   "--port: a number up to 65535 is expected",
	} {
		s := launch{args: strings.Fields(args)}.start(t)
		require.NotZero(t, s.exit(), args)
		require.Contains(t, s.out.String(), says)
		require.NotContains(t, s.out.String(), "serving")
	}
}

func TestASecondServerRefusesAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := launch{}.serve(t)
	second := launch{dir: s.dir, args: []string{"--demo"}}.start(t)
	require.Equal(t, 1, second.exit())
	out := second.out.String()
	require.Contains(t, out, fmt.Sprintf("%s is in use by process %d: stop that one first", filepath.Join(s.dir, "semaphore.db"), s.cmd.Process.Pid))
	require.NotContains(t, out, "serving")
	require.NotContains(t, out, "Demo")
	require.NoDirExists(t, filepath.Join(s.dir, "demo"))
	var projects []any
	s.admin().must("GET", "/projects", nil, &projects)
	require.Empty(t, projects)
}

func TestCommandsWorkBesideTheServer(t *testing.T) {
	t.Parallel()
	s := launch{}.serve(t)
	out, err := s.command("user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "correct horse")
	require.NoError(t, err, out)
	out, err = s.command("user", "list")
	require.NoError(t, err, out)
	require.Equal(t, "admin\nann\n", out)
	require.Equal(t, http.StatusNoContent, s.signIn("ann", "correct horse"))
	out, err = s.command("user", "change-by-login", "--login", "ann", "--password", "battery staple")
	require.NoError(t, err, out)
	require.Equal(t, http.StatusUnauthorized, s.signIn("ann", "correct horse"))
	require.Equal(t, http.StatusNoContent, s.signIn("ann", "battery staple"))
	s.stop()
}

func TestUSR1DrainsAServerAndUSR2TakesItBack(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"x.sh": "echo ran\n"})
	s := launch{env: []string{"SEMAPHORE_REPOS_PATH=" + dir}}.serve(t)
	s.admin()
	p := s.newProject(dir)
	tpl := s.template(p, "x.sh", nil)
	health := func() string {
		_, body := s.do("GET", "/health", nil)
		return body
	}
	s.signal(syscall.SIGUSR1)
	require.Eventually(t, func() bool { return strings.Contains(health(), `"draining":true`) }, 20*time.Second, 10*time.Millisecond)
	task := s.run(p.project, tpl, nil)
	require.Equal(t, store.Waiting, s.task(task).Status)
	s.signal(syscall.SIGUSR2)
	s.becomes(task, store.Success)
	require.NotContains(t, health(), "draining")
	s.stop()
}
