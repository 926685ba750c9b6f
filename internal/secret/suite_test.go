package secret_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/secret"
)

// subject is a Storage under test.
type subject struct {
	storage secret.Storage
	// key makes the key of a name, which is letters only.
	key func(name string) string
	// seed puts a value there by the administrator's hand.
	seed func(t *testing.T, name, value string)
	// fixed storages are never written.
	fixed bool
}

func TestStorages(t *testing.T) {
	t.Parallel()
	makers := map[string]func(t *testing.T) subject{
		"memory": func(*testing.T) subject {
			m := &memoryStorage{values: map[string]string{}}
			return subject{storage: m, key: func(n string) string { return n }, seed: func(t *testing.T, n, v string) { require.NoError(t, m.Put(t.Context(), n, v)) }}
		},
		"env": func(*testing.T) subject {
			env := map[string]string{}
			lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
			key := func(n string) string { return "PROJ_" + strings.ToUpper(n) }
			return subject{storage: secret.NewEnv("PROJ_", lookup), key: key, fixed: true, seed: func(_ *testing.T, n, v string) { env[key(n)] = v }}
		},
		"file": func(t *testing.T) subject {
			dir := t.TempDir()
			key := func(n string) string { return filepath.Join(dir, "team", n) }
			return subject{storage: secret.NewFiles(dir), key: key, fixed: true, seed: func(t *testing.T, n, v string) {
				require.NoError(t, os.MkdirAll(filepath.Dir(key(n)), 0o700))
				require.NoError(t, os.WriteFile(key(n), []byte(v), 0o600))
			}}
		},
		"vault": func(t *testing.T) subject {
			f := newFakeVault(t)
			v, err := secret.NewVault(secret.VaultParams{URL: f.URL}, vaultToken, f.Client())
			require.NoError(t, err)
			return subject{storage: v, key: func(n string) string { return "team a/" + n }, seed: func(_ *testing.T, n, val string) { f.put("team a/"+n, map[string]any{"value": val}) }}
		},
		"vault with fields": func(t *testing.T) subject {
			f := newFakeVault(t)
			v, err := secret.NewVault(secret.VaultParams{URL: f.URL + "/"}, vaultToken, f.Client())
			require.NoError(t, err)
			return subject{storage: v, key: func(n string) string { return "team/app#" + n }, seed: func(t *testing.T, n, val string) {
				require.NoError(t, v.Put(t.Context(), "team/app#"+n, val))
			}}
		},
	}
	for name, maker := range makers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("reading", func(t *testing.T) { suiteRead(t, maker(t)) })
			t.Run("writing", func(t *testing.T) { suiteWrite(t, maker(t)) })
			t.Run("at the same time", func(t *testing.T) { suiteConcurrent(t, maker(t)) })
		})
	}
}

func suiteRead(t *testing.T, s subject) {
	_, err := s.storage.Get(t.Context(), s.key("absent"))
	require.ErrorIs(t, err, secret.ErrNotFound)
	for _, value := range []string{"x", "with\nlines\n", `{"login":"a"}`, "ünïcode \U0001F511", strings.Repeat("k", 16<<10)} {
		s.seed(t, "one", value)
		got, err := s.storage.Get(t.Context(), s.key("one"))
		require.NoError(t, err)
		require.Equal(t, value, got)
	}
	s.seed(t, "two", "other")
	got, err := s.storage.Get(t.Context(), s.key("one"))
	require.NoError(t, err)
	require.Len(t, got, 16<<10, "keys are apart")
}

func suiteWrite(t *testing.T, s subject) {
	if s.fixed {
		s.seed(t, "one", "v")
		require.ErrorIs(t, s.storage.Put(t.Context(), s.key("one"), "w"), secret.ErrReadOnly)
		require.ErrorIs(t, s.storage.Delete(t.Context(), s.key("one")), secret.ErrReadOnly)
		got, err := s.storage.Get(t.Context(), s.key("one"))
		require.NoError(t, err)
		require.Equal(t, "v", got)
		return
	}
	for _, value := range []string{"first", "second", ""} {
		require.NoError(t, s.storage.Put(t.Context(), s.key("one"), value))
		got, err := s.storage.Get(t.Context(), s.key("one"))
		require.NoError(t, err)
		require.Equal(t, value, got)
	}
	require.NoError(t, s.storage.Put(t.Context(), s.key("two"), "stays"))
	require.NoError(t, s.storage.Delete(t.Context(), s.key("one")))
	require.NoError(t, s.storage.Delete(t.Context(), s.key("one")), "deleting again is fine")
	_, err := s.storage.Get(t.Context(), s.key("one"))
	require.ErrorIs(t, err, secret.ErrNotFound)
	got, err := s.storage.Get(t.Context(), s.key("two"))
	require.NoError(t, err)
	require.Equal(t, "stays", got)
	require.NoError(t, s.storage.Put(t.Context(), s.key("one"), "again"))
	got, err = s.storage.Get(t.Context(), s.key("one"))
	require.NoError(t, err)
	require.Equal(t, "again", got)
}

func suiteConcurrent(t *testing.T, s subject) {
	s.seed(t, "one", "v")
	names := []string{"a", "b", "c"} // fewer than a writer begins anew
	var wg sync.WaitGroup
	errs := make(chan error, 2*len(names))
	for _, name := range names {
		wg.Go(func() {
			got, err := s.storage.Get(t.Context(), s.key("one"))
			if err == nil && got != "v" {
				err = fmt.Errorf("read %q", got)
			}
			errs <- err
		})
		if !s.fixed {
			wg.Go(func() { errs <- s.storage.Put(t.Context(), s.key(name), name) })
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	for _, name := range names {
		if !s.fixed {
			got, err := s.storage.Get(t.Context(), s.key(name))
			require.NoError(t, err)
			require.Equal(t, name, got, "a write was lost")
		}
	}
}
