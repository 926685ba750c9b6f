package cli_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
)

// TestCtrlC sends signals to a real process: the first stops, and a script that
// does not listen is killed by the third.
func TestCtrlC(t *testing.T) {
	dir := project(t)
	require.NoError(t, os.WriteFile("listens.sh", []byte("trap 'echo tidied; exit 0' TERM\necho ready\nwhile :; do sleep 0.1; done\n"), 0o600))
	require.NoError(t, os.WriteFile("deaf.sh", []byte("trap '' TERM INT\necho ready\nwhile :; do sleep 0.1; done\n"), 0o600))
	for name, c := range map[string]struct {
		signals int
		says    []string
	}{
		"listens.sh": {1, []string{"tidied", "stopping; once more to hurry", "== stopped"}},
		"deaf.sh":    {3, []string{"hurrying", "was killed", "== stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			self, err := os.Executable()
			require.NoError(t, err)
			cmd := exec.CommandContext(t.Context(), self, "run", name)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), asCommand+"=1")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			buf := make([]byte, 6)
			_, err = io.ReadFull(out, buf)
			require.NoError(t, err)
			require.Equal(t, "ready\n", string(buf))
			for range c.signals {
				require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
				time.Sleep(50 * time.Millisecond) // two signals at once are one
			}
			rest, err := io.ReadAll(out)
			require.NoError(t, err)
			err = cmd.Wait()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, cli.ExitStopped, exit.ExitCode())
			for _, text := range c.says {
				require.Contains(t, string(rest)+errs.String(), text)
			}
		})
	}
}

// TestAClosedTerminalCleansUp hangs up, and closes the reader of the output:
// both stop the task, and nothing of it is left.
func TestAClosedTerminalCleansUp(t *testing.T) {
	dir := project(t)
	require.NoError(t, os.WriteFile("talks.sh", []byte("trap 'exit 0' TERM\necho ready\nwhile :; do echo more; sleep 0.05; done\n"), 0o600))
	for name, act := range map[string]func(*exec.Cmd, io.Closer){
		"hang-up":     func(cmd *exec.Cmd, _ io.Closer) { require.NoError(t, cmd.Process.Signal(syscall.SIGHUP)) },
		"closed pipe": func(_ *exec.Cmd, out io.Closer) { require.NoError(t, out.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			self, err := os.Executable()
			require.NoError(t, err)
			cache := t.TempDir()
			cmd := exec.CommandContext(t.Context(), self, "run", "talks.sh", "--secret", "TOKEN", "--data-dir", cache)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), asCommand+"=1")
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			cmd.Stdout = writer
			require.NoError(t, cmd.Start())
			require.NoError(t, writer.Close())
			buf := make([]byte, 6)
			_, err = io.ReadFull(reader, buf)
			require.NoError(t, err)
			act(cmd, reader)
			go func() { _, _ = io.Copy(io.Discard, reader) }()
			limit := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
			err = cmd.Wait()
			limit.Stop()
			_ = reader.Close()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, cli.ExitStopped, exit.ExitCode())
			left, err := filepath.Glob(filepath.Join(cache, "run", "*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// TestNohupIsHonoured starts with SIGHUP ignored: a hang-up changes nothing.
func TestNohupIsHonoured(t *testing.T) {
	dir := project(t)
	require.NoError(t, os.WriteFile("goes-on.sh", []byte("echo ready; sleep 0.5; echo end\n"), 0o600))
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "nohup", self, "run", "goes-on.sh")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asCommand+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	buf := make([]byte, 6)
	_, err = io.ReadFull(out, buf)
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP))
	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	require.Contains(t, string(rest), "end\n")
}
