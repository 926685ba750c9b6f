package gogit_test

import (
	"testing"

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
