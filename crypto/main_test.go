package crypto_test

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/alexandervashurin/semaphore/crypto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyOf returns the key of the bytes 0, 1, 2 ... size-1, which the fixed
// values of the tests use.
func keyOf(tb testing.TB, size int) crypto.Key {
	tb.Helper()
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(i)
	}
	k, err := crypto.ParseKey(base64.StdEncoding.EncodeToString(raw))
	require.NoError(tb, err)
	return k
}

func ringOf(tb testing.TB, primary crypto.Key, older ...crypto.Key) *crypto.Ring {
	tb.Helper()
	r, err := crypto.NewRing(primary, older...)
	require.NoError(tb, err)
	return r
}

func place(id int64) crypto.AD {
	return crypto.AD{Table: "access_key", ProjectID: 3, ID: id, Field: "secret"}
}
