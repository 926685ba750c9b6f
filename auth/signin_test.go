package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
)

func TestSignInOpensASessionForNameAndAddressInAnyCase(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		for _, login := range []string{"alice", " ALICE ", "alice@example.com", "Alice@Example.COM"} {
			in, err := w.SignIn(t.Context(), w.client, login, password)
			require.NoError(t, err)
			require.Equal(t, w.alice.ID, in.User.ID)
			require.Empty(t, in.User.Password)
			require.Equal(t, "192.0.2.10", in.Session.IP)
			require.Equal(t, "test", in.Session.UserAgent)

			id, err := authenticated(t, w.Service, withCookie(in.Cookie))
			require.NoError(t, err)
			require.Equal(t, w.alice.ID, id.User.ID)
			require.Equal(t, in.Session.ID, id.Session.ID)
			require.True(t, id.ByCookie)
			require.Empty(t, id.User.Password)
			require.NotContains(t, id.Session.Secret, in.Cookie[len(in.Cookie)-20:], "only a hash is stored")
		}
	})
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	w := setup(t, auth.Config{})
	for _, test := range []struct {
		name string
		cfg  auth.Config
		err  string
	}{
		{"no ring", auth.Config{}, "set Config.Ring"},
		{"a cost that bcrypt refuses", auth.Config{Ring: ring, BcryptCost: 32}, "choose one from 4 to 31"},
		{"codes that nobody sends", auth.Config{Ring: ring, EmailOTP: true}, "set Config.SendCode"},
		{"a cache for ever", auth.Config{Ring: ring, CacheFor: 1 << 50}, "choose 1m0s or less"},
		{"a minimum that no password reaches", auth.Config{Ring: ring, MinPassword: 73}, "choose one from 1 to 72"},
		{"a limit in the past", auth.Config{Ring: ring, SessionMax: -1}, "choose one above 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := auth.New(w.st, test.cfg)
			require.ErrorContains(t, err, test.err)
		})
	}
	_, err = auth.New(nil, auth.Config{Ring: ring})
	require.ErrorContains(t, err, "needs a store")
}
