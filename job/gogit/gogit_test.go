package gogit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/gogit"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGit(t *testing.T) {
	t.Parallel()
	jobtest.RunGitSuite(t, func(*testing.T) job.Git { return gogit.Git{} })
}

// TestDescribeWhatGoGitCannotRead covers formats and damages: none of them keeps
// a directory from being used.
func TestDescribeWhatGoGitCannotRead(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, dir string){
		"SHA-256":             nil,
		"a HEAD of garbage":   func(t *testing.T, dir string) { overwrite(t, dir, ".git/HEAD") },
		"an index of garbage": func(t *testing.T, dir string) { overwrite(t, dir, ".git/index") },
		"a config of garbage": func(t *testing.T, dir string) { overwrite(t, dir, ".git/config") },
		"no objects": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, ".git", "objects")))
		},
		"a .git of garbage": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(filepath.Join(dir, ".git")))
			overwrite(t, dir, ".git")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, format := t.TempDir(), "sha1"
			if damage == nil {
				format = "sha256"
			}
			run := func(args ...string) {
				cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=test", "-c", "user.email=test@localhost"}, args...)...)
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
			}
			run("init", "--quiet", "--object-format="+format)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("one\n"), 0o644))
			run("add", "a.txt")
			run("commit", "--quiet", "--message", "first commit")
			if damage != nil {
				damage(t, dir)
			}
			c, err := gogit.Git{}.Describe(t.Context(), dir)
			require.NoError(t, err)
			require.Zero(t, c)
		})
	}
}

func overwrite(t *testing.T, dir, name string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("[garbage"), 0o644))
}
