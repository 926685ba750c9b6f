package secret_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/secret"
)

func TestPipeDoesNotHoldTheReader(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err := secret.NewFiles(dir).Get(t.Context(), pipe)
	require.ErrorContains(t, err, "no regular file")
}
