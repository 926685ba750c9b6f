package server_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/server"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func TestAnOwnedDatabaseTellsWhetherItHasChanged(t *testing.T) {
	t.Parallel()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "semaphore.db"), sqlite.Config{})
	require.NoError(t, err)
	defer st.Close()
	owned, release, err := server.Own(t.Context(), st)
	require.NoError(t, err)
	versioned, ok := owned.(store.Versioned)
	require.True(t, ok)
	before, ok := versioned.Version(t.Context())
	require.True(t, ok)
	require.NoError(t, owned.Options().Set(t.Context(), "log_level", "INFO"))
	after, ok := versioned.Version(t.Context())
	require.True(t, ok)
	require.NotEqual(t, before, after)
	require.NoError(t, release())
}

func TestADatabaseThatCannotTellStaysSo(t *testing.T) {
	t.Parallel()
	owned, release, err := server.Own(t.Context(), memory.New(memory.Config{}))
	require.NoError(t, err)
	defer func() { require.NoError(t, release()) }()
	if versioned, ok := owned.(store.Versioned); ok {
		_, ok = versioned.Version(t.Context())
		require.False(t, ok)
	}
}
