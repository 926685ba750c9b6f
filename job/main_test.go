package job_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/job"
)

func TestMain(m *testing.M) {
	job.Init() // the test binary is its own supervisor
	runAsProgram()
	goleak.VerifyTestMain(m)
}
