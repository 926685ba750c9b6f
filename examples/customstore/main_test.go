package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func TestTheProgramGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, want := range []string{
		"1 projects, 1 keys, the last one sealed by crypto.Ring\n",
		"2 projects, 2 keys, the last one sealed by crypto.Ring\n",
	} {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), dir, &out))
		require.Equal(t, want, out.String())
	}
	file, err := os.ReadFile(filepath.Join(dir, "store"))
	require.NoError(t, err)
	require.Contains(t, string(file), "deploy")
	require.NotContains(t, string(file), "sealed by")
	secrets, err := os.ReadFile(filepath.Join(dir, "vault.json"))
	require.NoError(t, err)
	require.Contains(t, string(secrets), "sealed by")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "store"), []byte("damaged"), 0o600))
	require.ErrorContains(t, run(t.Context(), dir, &bytes.Buffer{}), "load store")
}

func TestKeysLiveInTheVault(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := open(dir, time.Now)
	require.NoError(t, err)
	p, err := s.Projects().Create(t.Context(), store.Project{Name: "p"})
	require.NoError(t, err)
	secret, changed := "one", "two"
	key, err := s.Keys().Create(t.Context(), store.AccessKey{ProjectID: p.ID, Name: "k", Secret: &secret})
	require.NoError(t, err)
	get := func(s store.Store) *string {
		got, err := s.Keys().Get(t.Context(), p.ID, key.ID)
		require.NoError(t, err)
		page, err := s.Keys().List(t.Context(), p.ID, store.Query{})
		require.NoError(t, err)
		require.Equal(t, []store.AccessKey{got}, page.Items)
		return got.Secret
	}
	require.Equal(t, &secret, get(s))
	errOops := errors.New("oops")
	err = s.InTx(t.Context(), func(ctx context.Context, tx store.Store) error {
		key.Secret = &changed
		require.NoError(t, tx.InTx(ctx, func(ctx context.Context, tx store.Store) error { return tx.Keys().Update(ctx, key) }))
		require.Equal(t, &changed, get(tx))
		return errOops
	})
	require.ErrorIs(t, err, errOops)
	require.Equal(t, &secret, get(s), "the vault was rolled back too")
	require.NoError(t, s.Keys().Update(t.Context(), key))
	require.NoError(t, s.Close())

	s, err = open(dir, time.Now)
	require.NoError(t, err)
	require.Equal(t, &changed, get(s))
	_, err = s.Repositories().Create(t.Context(), store.Repository{ProjectID: p.ID, Name: "r", SSHKeyID: key.ID})
	require.NoError(t, err)
	require.ErrorIs(t, s.Keys().Delete(t.Context(), p.ID, key.ID), store.ErrInUse)
	require.Equal(t, &changed, get(s))
}

func TestTheVaultHidesNothingOfTheStore(t *testing.T) {
	t.Parallel()
	s, err := open(t.TempDir(), time.Now)
	require.NoError(t, err)
	_, ok := store.As[store.Owned](s)
	require.True(t, ok)
	_, ok = store.As[store.Listener](s)
	require.True(t, ok)
}

func TestItLinksNoSQLDriver(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	require.NotContains(t, string(out), "database/sql")
}
