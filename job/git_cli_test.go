package job_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestGitCLI(t *testing.T) {
	t.Parallel()
	jobtest.RunGitSuite(t, func(*testing.T) job.Git { return job.GitCLI{} })
}

func TestErrorsNameTheCommand(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"status":           {"--no-optional-locks", "status", "--porcelain=v2"},
		"ls-files":         {"--literal-pathspecs", "ls-files", "-z"},
		"checkout":         {"-c", "a.b=c", "-c", "d.e=f", "checkout", "--quiet"},
		"log":              {"-C", "dir", "--git-dir", "x", "--work-tree=y", "log", "-1"},
		"lfs pull":         {"-c", "core.hooksPath=.git/hooks", "lfs", "pull"},
		"submodule update": {"submodule", "update", "--init"},
		"submodule":        {"submodule", "--quiet", "init"},
		"submodule status": {"--literal-pathspecs", "submodule", "status"},
		"--version":        {"--version"},
		"-c":               {"-c"},
	} {
		require.Equal(t, want, job.GitCommandName(args...))
	}
}
