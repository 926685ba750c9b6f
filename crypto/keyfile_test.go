package crypto_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

func TestKeyFile(t *testing.T) {
	t.Parallel()
	t.Run("is made once, private, and read again", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "data", "key")
		first, err := crypto.KeyFile(path)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		second, err := crypto.KeyFile(path)
		require.NoError(t, err)
		require.Equal(t, first.Encode(), second.Encode())
		left, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, left, 1)
	})
	t.Run("is one key when many processes start at once", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "key")
		ids := make([]string, 20)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				k, err := crypto.KeyFile(path)
				if err == nil {
					ids[i] = k.ID()
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			require.Equal(t, ids[0], id)
		}
	})
	t.Run("that others may read is refused", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(path, []byte(crypto.GenerateKey().Encode()), 0o600))
		require.NoError(t, os.Chmod(path, 0o644))
		_, err := crypto.KeyFile(path)
		require.ErrorContains(t, err, "chmod 600")
	})
	t.Run("that holds no key says so without showing it", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(path, []byte("correct-horse"), 0o600))
		_, err := crypto.KeyFile(path)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "correct-horse")
	})
}
