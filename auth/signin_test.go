package auth_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
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

func TestEveryFailedSignInGivesTheSameAnswer(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		w.user(t, store.User{Username: "ldap", Email: "ldap@example.com", External: true})
		for i, test := range []struct{ login, password string }{
			{"alice", "wrong"},
			{"alice", ""},
			{"alice", password + repeat("x", 72)},
			{"nobody", password},
			{"", password},
			{"", ""},
			{"ldap", password},
			{"ldap", ""},
			{repeat("a", 300), password},
			{"a' OR 1=1 --", password},
			{"\x00\xff", password},
		} {
			_, err := w.SignIn(t.Context(), from("198.51.100."+strconv.Itoa(i)), test.login, test.password)
			require.Equal(t, auth.ErrCredentials, err, "%q", test.login)
		}
	})
}

func TestAnUnknownLoginCostsOneHashToo(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{BcryptCost: 8})
	took := func(login string) time.Duration {
		best := time.Hour
		for range 3 {
			start := time.Now()
			_, err := w.SignIn(t.Context(), w.client, login, "wrong")
			require.ErrorIs(t, err, auth.ErrCredentials)
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := took("alice"), took("nobody")
	require.Greater(t, unknown, known/4, "the time would tell which accounts there are")
	w.user(t, store.User{Username: "ldap", Email: "ldap@example.com", External: true})
	require.Greater(t, took("ldap"), known/4)
}

func TestAHashOfALowerCostIsRenewedBySigningIn(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		raised, err := auth.New(w.st, auth.Config{Ring: w.ring, BcryptCost: 5, Now: w.clock.now})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := raised.SignIn(t.Context(), w.client, "alice", password)
				assert.NoError(t, err, "those who sign in at the same time are let in too")
			})
		}
		wg.Wait()
		row, err := w.st.Users().Get(t.Context(), 0, w.alice.ID)
		require.NoError(t, err)
		cost, err := bcrypt.Cost([]byte(row.Password))
		require.NoError(t, err)
		require.Equal(t, 5, cost)
		_, err = w.SignIn(t.Context(), w.client, "alice", password)
		require.NoError(t, err)
		again, err := w.st.Users().Get(t.Context(), 0, w.alice.ID)
		require.NoError(t, err)
		require.Equal(t, row.Password, again.Password, "a lower cost renews nothing")
	})
}

func TestAPasswordThatChangesWhileItIsCheckedOpensNoSession(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		next string
		err  error
	}{
		{"another password", "another password", auth.ErrCredentials},
		{"the same password", password, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var w *world
			// The account has been read when the directory is asked.
			w = setup(t, auth.Config{Directory: directory(func(context.Context, string, string) (*auth.External, error) {
				return nil, w.SetPassword(t.Context(), nil, w.alice.ID, test.next)
			})})
			_, err := w.SignIn(t.Context(), w.client, "alice", password)
			require.Equal(t, test.err, err)
			list, err := w.Sessions(t.Context(), w.alice.ID)
			require.NoError(t, err)
			require.Equal(t, test.err == nil, len(list) == 1)
		})
	}
}

func TestPasswordLoginCanBeDisabled(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{PasswordLoginDisabled: true, Directory: knows("ldap", external("ldap"))})
	_, err := w.SignIn(t.Context(), w.client, "alice", password)
	require.ErrorIs(t, err, auth.ErrCredentials)
	_, err = w.SignIn(t.Context(), w.client, "ldap", password)
	require.NoError(t, err)
}

func TestSignInTellsOfAFaultOfTheStore(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, err := w.SignIn(ctx, w.client, "alice", password)
		require.ErrorIs(t, err, context.Canceled)
	}
	w.signIn(t) // that was nobody's failed try
}
