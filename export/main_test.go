package export_test

import (
	"testing"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
