package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheExampleRuns builds the program and runs it twice on a repository: the
// second run finds the key and the database of the first.
func TestTheExampleRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	repo := filepath.Join(dir, "repo")
	require.NoError(t, os.MkdirAll(repo, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(repo, "hello.sh"), []byte("echo hello as task $SEMAPHORE_TASK_DETAILS_ID\n"), 0o600))
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-q", "-m", "first"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = repo
		out, err := cmd.CombinedOutput()
		require.NoErrorf(t, err, "%s", out)
	}
	program := filepath.Join(dir, "embed")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	for _, line := range []string{"hello as task 1\n", "hello as task 2\n"} {
		cmd := exec.CommandContext(t.Context(), program, "file://"+repo, "main", "hello.sh")
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		var said strings.Builder // the log
		cmd.Stderr = &said
		out, err = cmd.Output()
		require.NoError(t, err, said.String())
		require.Contains(t, string(out), line)
		require.True(t, strings.HasSuffix(string(out), "success\n"), "%s", out)
	}
}

// TestTheReadmeShowsThisProgram keeps the lines of the README compiling.
func TestTheReadmeShowsThisProgram(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile("main.go")
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	_, main, ok := strings.Cut(string(program), "\nfunc main() {")
	require.True(t, ok)
	main, _, ok = strings.Cut(main, "\n}\n")
	require.True(t, ok)
	require.Contains(t, string(readme), "```go\nfunc main() {"+main+"\n}\n```")
}
