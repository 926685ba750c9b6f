package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheExampleRuns builds the program and runs it on a repository.
func TestTheExampleRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repo := filepath.Join(dir, "repo")
	require.NoError(t, os.MkdirAll(repo, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(repo, "hello.sh"), []byte("echo hello from a repository\n"), 0o600))
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-q", "-m", "first"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = repo
		out, err := cmd.CombinedOutput()
		require.NoErrorf(t, err, "%s", out)
	}
	program := filepath.Join(dir, "run")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	cmd := exec.CommandContext(t.Context(), program, "file://"+repo, "main", "hello.sh")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	out, err = cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	require.Contains(t, string(out), "hello from a repository\n")
	require.True(t, strings.HasSuffix(string(out), "success\n"), "%s", out)
}
