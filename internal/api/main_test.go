package api_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(covering{m}) }

// covering fails a run of the whole package in which some route never
// succeeded.
type covering struct{ *testing.M }

// Run runs the tests.
func (c covering) Run() int {
	code := c.M.Run()
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if flag.Lookup(name).Value.String() != "" {
			return code
		}
	}
	if missing := neverSeen(); code == 0 && len(missing) > 0 {
		fmt.Fprintln(os.Stderr, "no test of a success: write one, or give the reason in unseen()\n"+strings.Join(missing, "\n"))
		return 1
	}
	return code
}
