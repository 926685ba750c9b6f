package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

func TestATokenActsForItsUserUntilItIsDeletedOrOutOfDate(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		expires := w.clock.now().Add(time.Hour)
		token, row, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{Name: "ci", Scopes: []string{"read"}, Expires: &expires})
		require.NoError(t, err)
		require.Len(t, token, 44)
		require.Equal(t, token[:8], row.Prefix)
		require.NotContains(t, row.Hash, token[8:])
		for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
			id, err := authenticated(t, w.Service, withHeader(scheme+token))
			require.NoError(t, err)
			require.Equal(t, w.alice.ID, id.User.ID)
			require.Equal(t, row.ID, id.Token.ID)
			require.Nil(t, id.Session)
			require.False(t, id.ByCookie)
			require.True(t, id.Allows("read"))
			require.False(t, id.Allows("run"))
		}
		w.clock.add(time.Hour)
		_, err = authenticated(t, w.Service, withBearer(token))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)

		token, _, err = w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{})
		require.NoError(t, err)
		id, err := authenticated(t, w.Service, withBearer(token))
		require.NoError(t, err)
		require.True(t, id.Allows("anything"))
		require.NoError(t, w.DeleteToken(t.Context(), w.alice.ID, token[:8]))
		_, err = authenticated(t, w.Service, withBearer(token))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
		require.ErrorIs(t, w.DeleteToken(t.Context(), w.alice.ID, token[:8]), store.ErrNotFound)
	})
}

func TestTokensWorkInAnyCase(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{CacheFor: -1}, func(t *testing.T, w *world) {
		imported := "abcdefgh-_0123456789abcdefghijklmnopqrstuvw="
		_, err := w.st.Users().Tokens().Create(t.Context(), store.APIToken{UserID: w.alice.ID, Prefix: imported[:8], Hash: crypto.HashToken(imported)})
		require.NoError(t, err)
		for _, text := range []string{imported, strings.ToUpper(imported), strings.ToUpper(imported[:20]) + imported[20:]} {
			_, err := authenticated(t, w.Service, withBearer(text))
			require.NoError(t, err)
		}
		token, _, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{})
		require.NoError(t, err)
		require.Equal(t, strings.ToLower(token), token)
		_, err = authenticated(t, w.Service, withBearer(strings.ToUpper(token)))
		require.NoError(t, err, "so does our own")
		for _, text := range []string{token[:43], token + "=", token[:8], crypto.HashToken(token)} {
			_, err := authenticated(t, w.Service, withBearer(text))
			require.ErrorIs(t, err, auth.ErrUnauthenticated)
		}
		require.NoError(t, w.DeleteToken(t.Context(), w.alice.ID, strings.ToUpper(imported)))
	})
}

func TestATokenIsDeletedByItselfOrByItsBeginning(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	add := func(user int64, token string) {
		_, err := w.st.Users().Tokens().Create(t.Context(), store.APIToken{UserID: user, Prefix: token[:8], Hash: crypto.HashToken(token)})
		require.NoError(t, err)
	}
	bob := w.user(t, store.User{Username: "bob", Email: "bob@example.com"})
	add(w.alice.ID, "samesame-one-0000000000000000000000000000000")
	add(w.alice.ID, "samesame-two-0000000000000000000000000000000")
	add(w.alice.ID, "SAMESAME-three-00000000000000000000000000000")
	add(bob.ID, "different-0000000000000000000000000000000000")
	for _, test := range []struct {
		id  string
		err error
	}{
		{"samesam", store.ErrNotFound},
		{"", store.ErrNotFound},
		{"different-0000000000000000000000000000000000", store.ErrNotFound},
		{"samesame", store.ErrConflict},
		{"samesame-two-0000000000000000000000000000000", nil},
		{"SAMESAME", nil},
		{"SameSame-and-more", nil},
		{"samesame", store.ErrNotFound},
	} {
		require.ErrorIs(t, w.DeleteToken(t.Context(), w.alice.ID, test.id), test.err, test.id)
	}
	list, err := w.Tokens(t.Context(), bob.ID)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestATokenCannotBeginOutOfDate(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	now := w.clock.now()
	_, _, err := w.NewToken(t.Context(), w.alice.ID, auth.TokenOptions{Expires: &now})
	require.ErrorIs(t, err, store.ErrInvalid)
}

func TestTheHeaderDecidesBeforeTheCookie(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	cookie := w.signIn(t).Cookie
	for header, fine := range map[string]bool{
		"":                            true,
		"Basic YWxpY2U6cHc=":          true,
		"Bearer":                      false,
		"Bearer ":                     false,
		"bearer wrong":                false,
		"Bearer a.b.c":                false,
		"Bearer " + repeat("x", 5000): false,
	} {
		r := withCookie(cookie)
		r.Header.Set("Authorization", header)
		_, err := authenticated(t, w.Service, r)
		if fine {
			require.NoError(t, err, header)
		} else {
			require.ErrorIs(t, err, auth.ErrUnauthenticated, header)
		}
	}
}

func TestWhatIsTooLongForATokenIsNotLookedFor(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{})
	before, _ := w.st.count()
	for _, header := range []string{"Bearer " + repeat("x", 257), "Bearer " + repeat("x", 5000), "Bearer a.b." + repeat("x", 5000)} {
		_, err := authenticated(t, w.Service, withHeader(header))
		require.ErrorIs(t, err, auth.ErrUnauthenticated)
	}
	after, _ := w.st.count()
	require.Equal(t, before, after)
}
