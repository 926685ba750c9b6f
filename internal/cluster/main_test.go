//go:build linux

package cluster_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/job"
)

// TestMain lets the test binary be a program without one of its safeguards, and
// the supervisor of its scripts.
func TestMain(m *testing.M) {
	job.Init()
	if text := os.Getenv(programEnv); text != "" {
		os.Exit(alteredMain(context.Background(), text))
	}
	pgtest.Main(m)
}

// build builds the two programs once, into a directory that goes with the
// database of these tests.
var build = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(<-home, "programs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+"/", "github.com/alexandervashurin/semaphore/cmd/semaphore", "github.com/alexandervashurin/semaphore/cmd/semaphore-runner")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

// home is the directory of the database, for build.
var home = make(chan string, 1)

// program is one of the programs as they are shipped.
func program(t testing.TB, name string) string {
	t.Helper()
	select {
	case home <- pgtest.Shared(t).Socket():
	default:
	}
	dir, err := build()
	require.NoError(t, err)
	return filepath.Join(dir, name)
}
