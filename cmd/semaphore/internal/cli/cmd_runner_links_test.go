//go:build linux

package cli_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRunnersLeaveNoDirectoryOfLinks has runners of one server on one machine
// come and go. The last one takes the directory with it, whatever became of the
// others.
func TestRunnersLeaveNoDirectoryOfLinks(t *testing.T) {
	t.Parallel()
	s := farServer(t)
	one := newBox(t, s).enrolled(s)
	shared := func() *box { return newBox(t, s, "TMPDIR="+one.links).enrolled(s) }
	two, three := shared(), shared()
	found := func() []string {
		dirs, err := filepath.Glob(filepath.Join(one.links, "semaphore-runner-*"))
		require.NoError(t, err)
		return dirs
	}
	first, second, third := one.start(), two.start(), three.start()
	require.Len(t, found(), 1)
	first.stop()
	require.Len(t, found(), 1, "two others work there")
	second.kill()
	again := one.start()
	third.stop()
	require.Len(t, found(), 1)
	again.stop()
	require.Empty(t, found())
}
