package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestADeadOwnersChildIsWaitedFor holds the lock as a child does that was forked
// just before its program was killed.
func TestADeadOwnersChildIsWaitedFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "semaphore.db")
	s := open(t, path)
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	require.NoError(t, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
	child := exec.CommandContext(t.Context(), "sleep", "0.2")
	child.ExtraFiles = []*os.File{f}
	require.NoError(t, child.Start())
	require.NoError(t, f.Close())
	release, err := s.Own(t.Context())
	require.NoError(t, err)
	require.NoError(t, release())
	require.NoError(t, child.Wait())
}
