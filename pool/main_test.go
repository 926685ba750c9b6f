package pool_test

import (
	"testing"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/job"
)

func TestMain(m *testing.M) {
	job.Init() // the test binary supervises the trees of real tools
	pgtest.Main(m)
}
