package crash_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/job"
)

// TestMain lets the test binary be the program that is killed, and the
// supervisor of its scripts.
func TestMain(m *testing.M) {
	job.Init()
	program, asked, err := crash.FromEnv()
	if err != nil {
		panic(err)
	}
	if asked {
		os.Exit(program.Main(context.Background(), os.Stderr))
	}
	goleak.VerifyTestMain(m)
}
