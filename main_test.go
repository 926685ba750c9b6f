package semaphore_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/job"
)

func TestMain(m *testing.M) {
	job.Init() // the benchmarks supervise real scripts from this binary
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
