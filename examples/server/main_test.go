package main_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheExampleServes builds the program, signs in with the password that it
// prints, and stops it.
func TestTheExampleServes(t *testing.T) {
	dir := t.TempDir()
	if c, err := net.DialTimeout("tcp", "127.0.0.1:3000", time.Second); err == nil {
		c.Close()
		t.Skip("port 3000 of the example is in use on this machine")
	}
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	require.Less(t, strings.Count(string(source), "\n"), 40, "it is the shortest server")

	program := filepath.Join(dir, "server")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = dir
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	_, password, ok := strings.Cut(strings.TrimSpace(line), " with ")
	require.True(t, ok, line)

	require.Eventually(t, func() bool {
		return post(t, `{"auth":"admin","password":"`+password+`"}`) == http.StatusNoContent
	}, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
}

func post(t *testing.T, body string) int {
	res, err := http.Post("http://127.0.0.1:3000/api/auth/login", "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode
}
