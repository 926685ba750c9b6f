package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func TestHashPasswordRefusesWhatBcryptCannotKeep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, password string
		min            int
		err            error
		text           string
	}{
		{"one character by default", "x", 0, nil, ""},
		{"nothing", "", 0, auth.ErrPasswordShort, "at least 1 characters"},
		{"a character less than the minimum", "1234567", 8, auth.ErrPasswordShort, "at least 8 characters"},
		{"the minimum", "12345678", 8, nil, ""},
		{"characters, not bytes", "ääää", 5, auth.ErrPasswordShort, "at least 5"},
		{"72 bytes", repeat("x", 72), 0, nil, ""},
		{"73 bytes", repeat("x", 73), 0, auth.ErrPasswordLong, "more than 72 bytes"},
		{"37 characters of two bytes", repeat("ä", 37), 0, auth.ErrPasswordLong, "more than 72 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, auth.Config{})
			s := w.another(t, auth.Config{MinPassword: test.min})
			hash, err := s.HashPassword(test.password)
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
				require.ErrorContains(t, err, test.text)
				require.ErrorIs(t, s.SetPassword(t.Context(), nil, w.alice.ID, test.password), test.err)
				w.signIn(t) // nothing was changed
				return
			}
			require.NoError(t, err)
			require.NoError(t, bcrypt.CompareHashAndPassword([]byte(hash), []byte(test.password)))
		})
	}
}

func TestHashesCostElevenUnlessConfigured(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	s, err := auth.New(w.st, auth.Config{Ring: w.ring})
	require.NoError(t, err)
	hash, err := s.HashPassword(password)
	require.NoError(t, err)
	cost, err := bcrypt.Cost([]byte(hash))
	require.NoError(t, err)
	require.Equal(t, 11, cost)
}

func TestCheckPasswordKnowsThePasswordOfTheAccountAsItIsNow(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		id := w.signIn(t).User // without its hash
		require.NoError(t, w.CheckPassword(t.Context(), id, password))
		require.ErrorIs(t, w.CheckPassword(t.Context(), id, ""), auth.ErrCredentials)
		require.NoError(t, w.SetPassword(t.Context(), nil, id.ID, "another"))
		require.ErrorIs(t, w.CheckPassword(t.Context(), w.alice, password), auth.ErrCredentials, "the row is old")
		require.NoError(t, w.CheckPassword(t.Context(), w.alice, "another"))
		ldap := w.user(t, store.User{Username: "ldap", Email: "ldap@example.com", External: true})
		require.ErrorIs(t, w.CheckPassword(t.Context(), ldap, ""), auth.ErrCredentials)
		require.ErrorIs(t, w.CheckPassword(t.Context(), store.User{ID: 999}, password), store.ErrNotFound)
		require.ErrorIs(t, w.SetPassword(t.Context(), nil, 999, password), store.ErrNotFound)
	})
}

func TestAStolenSessionCannotTryPasswordsForEver(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	for range 10 {
		require.ErrorIs(t, w.CheckPassword(t.Context(), w.alice, "wrong"), auth.ErrCredentials)
	}
	limited(t, w.CheckPassword(t.Context(), w.alice, password))
	w.signIn(t) // who knows it still signs in
	w.clock.add(15 * time.Minute)
	require.NoError(t, w.CheckPassword(t.Context(), w.alice, password))
}

func TestNoCharacterOfAPasswordIsIgnored(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	longest := repeat("x", 72)
	require.NoError(t, w.SetPassword(t.Context(), nil, w.alice.ID, longest))
	for _, password := range []string{longest + "y", longest[:71]} {
		_, err := w.SignIn(t.Context(), w.client, "alice", password)
		require.ErrorIs(t, err, auth.ErrCredentials)
	}
	_, err := w.SignIn(t.Context(), w.client, "alice", longest)
	require.NoError(t, err)
}
