package foreign_test

import (
	"testing"

	"github.com/alexandervashurin/semaphore/internal/mariatest"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(mariatest.Wrap(m)) }
