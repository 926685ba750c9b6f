package crypto_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

func TestNewRing(t *testing.T) {
	t.Parallel()
	a, b, c := keyOf(t, 16), keyOf(t, 24), keyOf(t, 32)

	t.Run("orders keys, the primary first, and counts each once", func(t *testing.T) {
		t.Parallel()
		r := ringOf(t, a, b, c, b, a)
		require.Equal(t, a.ID(), r.Primary())
		require.Equal(t, []string{a.ID(), b.ID(), c.ID()}, r.IDs())
	})
	t.Run("refuses an empty primary key", func(t *testing.T) {
		t.Parallel()
		_, err := crypto.NewRing(crypto.Key{}, a)
		require.EqualError(t, err, "empty key: use ParseKey or GenerateKey")
	})
	t.Run("refuses an empty older key", func(t *testing.T) {
		t.Parallel()
		_, err := crypto.NewRing(a, crypto.Key{})
		require.EqualError(t, err, "older keys: empty key: use ParseKey or GenerateKey")
	})
}

func TestRingAdd(t *testing.T) {
	t.Parallel()
	a, b := keyOf(t, 16), keyOf(t, 24)
	r := ringOf(t, a)
	before, err := r.Seal([]byte("x"), place(1))
	require.NoError(t, err)
	require.True(t, r.Current(before))

	require.NoError(t, r.Add(b))
	require.Equal(t, []string{b.ID(), a.ID()}, r.IDs())
	require.False(t, r.Current(before))
	plain, err := r.Open(before, place(1))
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))

	after, err := r.Seal([]byte("x"), place(1))
	require.NoError(t, err)
	require.True(t, r.Current(after))

	require.NoError(t, r.Add(a), "an older key becomes primary again")
	require.Equal(t, []string{a.ID(), b.ID()}, r.IDs())
	require.Error(t, r.Add(crypto.Key{}))
}

func TestRingForget(t *testing.T) {
	t.Parallel()
	a, b := keyOf(t, 16), keyOf(t, 24)
	r := ringOf(t, b, a)
	old, err := ringOf(t, a).Seal([]byte("x"), place(1))
	require.NoError(t, err)

	require.EqualError(t, r.Forget(b.ID()), "key "+b.ID()+" is the primary one: add another first")
	require.NoError(t, r.Forget("00000000"))
	require.NoError(t, r.Forget(a.ID()))
	require.NoError(t, r.Forget(a.ID()))
	require.Equal(t, []string{b.ID()}, r.IDs())

	_, err = r.Open(old, place(1))
	var missing *crypto.MissingKeyError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, a.ID(), missing.KeyID)
	require.ErrorContains(t, err, "key "+a.ID()+" is missing: add it to the older keys")
}

func TestEmptyRing(t *testing.T) {
	t.Parallel()
	r := &crypto.Ring{}
	_, err := r.Seal([]byte("x"), place(1))
	require.ErrorContains(t, err, "use NewRing")
	_, err = r.SealBytes([]byte("x"), place(1))
	require.ErrorContains(t, err, "use NewRing")
	require.Empty(t, r.Primary())
	require.Empty(t, r.IDs())
	require.False(t, r.Current(fixedText))
}
