package export_test

import (
	"os"
	"testing"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("SEMAPHORE_TEST_RESTORE"); path != "" {
		restoreForKill(path)
	}
	pgtest.Main(m)
}
