package crypto_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

// fixedBox is "correct-horse" for attempt 2 of task 7, made by another
// implementation of HPKE (Python) for the key of the bytes 0, 1, ... 31.
const (
	fixedBox        = "ATkOESAuvnygBwP0kIl9/l7mpGggfGZm+BIDw9sGhERtSN9qbSSukD5JdgRyyz0nbjLFvT3fJMYdVjoQt18="
	fixedBoxPrivate = "boxkey1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	fixedBoxPublic  = "boxpub1.j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8"
)

func TestBoxOpensFixedValue(t *testing.T) {
	t.Parallel()
	priv, err := crypto.ParseBoxPrivate(fixedBoxPrivate + "\n")
	require.NoError(t, err)
	require.Equal(t, fixedBoxPublic, priv.Public().String())
	sealed, err := base64.StdEncoding.DecodeString(fixedBox)
	require.NoError(t, err)
	plain, err := priv.Open(sealed, crypto.TaskContext(7, 2))
	require.NoError(t, err)
	require.Equal(t, "correct-horse", string(plain))
}

func TestBox(t *testing.T) {
	t.Parallel()
	priv, pub, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	other, _, err := crypto.GenerateBoxKey()
	require.NoError(t, err)
	sealed, err := crypto.SealTo(pub, []byte("correct-horse"), crypto.TaskContext(7, 2))
	require.NoError(t, err)
	require.Len(t, sealed, len("correct-horse")+49)

	t.Run("opens with the key read from its text", func(t *testing.T) {
		t.Parallel()
		again, err := crypto.ParseBoxPrivate(priv.Encode())
		require.NoError(t, err)
		require.Equal(t, pub.ID(), again.Public().ID())
		plain, err := again.Open(sealed, crypto.TaskContext(7, 2))
		require.NoError(t, err)
		require.Equal(t, "correct-horse", string(plain))
	})
	t.Run("seals to the key read from its text", func(t *testing.T) {
		t.Parallel()
		again, err := crypto.ParseBoxPublic(pub.String())
		require.NoError(t, err)
		sealed, err := crypto.SealTo(again, nil, nil)
		require.NoError(t, err)
		plain, err := priv.Open(sealed, nil)
		require.NoError(t, err)
		require.Empty(t, plain)
	})
	t.Run("refuses another context or key", func(t *testing.T) {
		t.Parallel()
		for _, context := range [][]byte{nil, crypto.TaskContext(7, 3), crypto.TaskContext(8, 2), crypto.TaskContext(2, 7)} {
			_, err := priv.Open(sealed, context)
			require.ErrorIs(t, err, crypto.ErrDamaged)
		}
		_, err := other.Open(sealed, crypto.TaskContext(7, 2))
		require.ErrorIs(t, err, crypto.ErrDamaged)
	})
	t.Run("refuses every change", func(t *testing.T) {
		t.Parallel()
		for i := range sealed {
			changed := append([]byte(nil), sealed...)
			changed[i] ^= 1
			_, err := priv.Open(changed, crypto.TaskContext(7, 2))
			require.Error(t, err, "byte %d", i)
			_, err = priv.Open(sealed[:i], crypto.TaskContext(7, 2))
			require.Error(t, err, "cut at %d", i)
		}
		_, err := priv.Open(nil, nil)
		require.ErrorIs(t, err, crypto.ErrNotSealed)
		_, err = priv.Open(append([]byte{2}, sealed[1:]...), crypto.TaskContext(7, 2))
		require.ErrorIs(t, err, crypto.ErrNotSealed)
	})
	t.Run("refuses empty keys", func(t *testing.T) {
		t.Parallel()
		_, err := crypto.SealTo(crypto.BoxPublic{}, nil, nil)
		require.ErrorContains(t, err, "empty public key")
		_, err = crypto.BoxPrivate{}.Open(sealed, nil)
		require.ErrorContains(t, err, "empty private key")
	})
}

func TestBoxKeyErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, err string }{
		{"nothing", "", "make a pair with GenerateBoxKey"},
		{"not base64url", "!!", "it is not base64url"},
		{"31 bytes", base64.RawURLEncoding.EncodeToString(make([]byte, 31)), "it does not have 32 bytes"},
		{"33 bytes", base64.RawURLEncoding.EncodeToString(make([]byte, 33)), "it does not have 32 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			public, private := "boxpub1."+test.text, "boxkey1."+test.text
			if test.text == "" {
				public, private = fixedBoxPrivate, fixedBoxPublic // each in the place of the other
			}
			_, err := crypto.ParseBoxPublic(public)
			require.ErrorContains(t, err, test.err)
			require.NotContains(t, err.Error(), "AAEC")
			_, err = crypto.ParseBoxPrivate(private)
			require.ErrorContains(t, err, test.err)
		})
	}
}

// TestBoxRefusesWeakPublicKeys seals to a point of small order, for which the
// shared secret would be known to all.
func TestBoxRefusesWeakPublicKeys(t *testing.T) {
	t.Parallel()
	pub, err := crypto.ParseBoxPublic("boxpub1." + base64.RawURLEncoding.EncodeToString(make([]byte, 32)))
	require.NoError(t, err)
	_, err = crypto.SealTo(pub, []byte("x"), nil)
	require.Error(t, err)
}
