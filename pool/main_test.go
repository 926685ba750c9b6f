package pool_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/job"
)

func TestMain(m *testing.M) {
	job.Init() // the test binary supervises the trees of real tools
	goleak.VerifyTestMain(m)
}
