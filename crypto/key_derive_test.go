package crypto_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

func TestDerivedSecretsNeverChange(t *testing.T) {
	t.Parallel()
	require.Equal(t, goldenDerived, hex.EncodeToString(keyOf(t, 32).Derive("jwt")),
		"what is signed with it must be accepted by the next version")
}

func TestDeriveGivesEachKeyAndPurposeItsOwnBytes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, size := range []int{16, 24, 32} {
		for _, purpose := range []string{"", "jwt", "state", "semaphore crypto v1 seal"} {
			secret := keyOf(t, size).Derive(purpose)
			require.Len(t, secret, 32)
			require.False(t, seen[string(secret)])
			seen[string(secret)] = true
		}
	}
	require.Nil(t, crypto.Key{}.Derive("jwt"))
}

func TestRingDerivesFromThePrimaryKeyFirst(t *testing.T) {
	t.Parallel()
	old, primary := crypto.GenerateKey(), crypto.GenerateKey()
	list := ringOf(t, primary, old).Derive("jwt")
	require.Len(t, list, 2)
	require.Equal(t, []string{primary.ID(), old.ID()}, []string{list[0].ID, list[1].ID})
	require.Equal(t, primary.Derive("jwt"), list[0].Secret)
	require.Equal(t, old.Derive("jwt"), list[1].Secret)
	for _, verb := range []string{"%v", "%+v", "%s", "%x", "%d", "%#v"} {
		require.Equal(t, "*** ("+primary.ID()+")", fmt.Sprintf(verb, list[0]))
	}
}

const goldenDerived = "300fac3eba373fb1c9b238aa7d9492259f1cdcadecae2628583cb064b4e6dd95"
