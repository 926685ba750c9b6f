package job_test

import (
	"testing"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestGitCLI(t *testing.T) {
	t.Parallel()
	jobtest.RunGitSuite(t, func(*testing.T) job.Git { return job.GitCLI{} })
}
