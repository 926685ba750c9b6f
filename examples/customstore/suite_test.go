package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/storetest"
)

// TestSuite is all that a backend needs to prove itself.
func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) store.Store {
		s, err := openFile(filepath.Join(t.TempDir(), "store"), now)
		require.NoError(t, err)
		return s
	})
}
