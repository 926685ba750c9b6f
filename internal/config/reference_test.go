package config_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// TestReferenceIsCurrent holds docs/configuration.md against the struct tags.
// UPDATE_DOCS=1 writes it.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	const file = "../../docs/configuration.md"
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(file, []byte(config.Reference()), 0o644))
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, config.Reference(), string(text), "run the test with UPDATE_DOCS=1")
}

func TestEveryKeyIsDescribed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range config.Keys() {
		require.NotEmpty(t, k.Doc, k.Name)
		require.Regexp(t, `^[a-z0-9_]+(\[\])?(\.([a-z0-9_]+(\[\])?|<id>))*$`, k.Name)
		require.Falsef(t, seen[k.Name], "%s is there twice", k.Name)
		seen[k.Name] = true
	}
}
