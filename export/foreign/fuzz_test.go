package foreign_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
)

// FuzzOldFile gives whatever bytes as the file of an old installation. It is
// read, or refused with an error; nothing else.
func FuzzOldFile(f *testing.F) {
	rows := oldWorld(f, crypto.GenerateKey())[:30]
	for _, file := range []string{oldFile(f, rows), boltFile(f, rows)} {
		whole := readFile(f, file)
		f.Add(whole)
		f.Add(whole[:len(whole)/2])
		for _, at := range []int{18, 100, 4096, 8200} {
			damaged := append([]byte{}, whole...)
			if at < len(damaged) {
				damaged[at] ^= 0xff
			}
			f.Add(damaged)
		}
	}
	f.Add([]byte("SQLite format 3\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "old")
		require.NoError(t, os.WriteFile(file, data, 0o600))
		i, err := foreign.Open(t.Context(), foreign.Source{Place: file})
		if err != nil {
			return
		}
		_, _, _ = i.Rows(t.Context())
		require.NoError(t, i.Close())
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, data, after)
	})
}
