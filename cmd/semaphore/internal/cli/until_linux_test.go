package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/store"
)

// TestCtrlCTakesAnUnfinishedImportAway interrupts a real process that waits for
// the second half of its archive.
func TestCtrlCTakesAnUnfinishedImportAway(t *testing.T) {
	t.Parallel()
	from, to := newSite(t, nil), newSite(t, nil)
	from.furnish(t)
	archive := filepath.Join(from.dir, "instance.archive")
	from.must(t, "", "export", "--to", archive)
	data, err := os.ReadFile(archive)
	require.NoError(t, err)
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "--config", to.file, "import", "--from", pipe)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	require.NoError(t, cmd.Start())
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits for the reader
	require.NoError(t, err)
	_, err = w.Write(data[:len(data)/2])
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-time.After(200 * time.Millisecond): // it reads: let it go on
		require.NoError(t, w.Close())
		err = <-ended
	}
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, cli.ExitFailure, exit.ExitCode(), "it ends by itself, not by the signal")
	left, err := filepath.Glob(filepath.Join(to.dir, "semaphore.db.stage*"))
	require.NoError(t, err)
	require.Empty(t, left)
	n, err := to.store(t).Users().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Zero(t, n)
}
