package cli_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
)

// terminal opens a terminal. screen closes it, and returns all that was written
// to it.
func terminal(t *testing.T) (tty *os.File, screen func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no terminals:", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	written := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(master) // an error is how a terminal ends
		written <- string(text)
	}()
	return tty, func() string {
		require.NoError(t, tty.Close())
		return <-written
	}
}

func TestProgressIsShownOnATerminalAndTakenAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.furnish(t)
	archive := filepath.Join(t.TempDir(), "instance.archive")
	tty, screen := terminal(t)
	args := []string{"--config", s.file, "export", "--to", archive}
	require.Zero(t, cli.Main(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: tty}))
	shown := screen()
	require.Regexp(t, `\r[a-z_]+ +\d+ rows`, shown)
	require.True(t, strings.HasSuffix(shown, "\r\x1b[K"), "%q: the line is taken away in the end", shown)

	_, _, errs := s.call(t, "", "export", "--to", archive+".2")
	require.Empty(t, errs, "where there is no terminal, nothing is shown")
}
