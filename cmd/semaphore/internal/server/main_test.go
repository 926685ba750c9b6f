package server_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/job"
)

func TestMain(m *testing.M) {
	job.Init()
	goleak.VerifyTestMain(m)
}
