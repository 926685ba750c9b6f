package auth_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// directory is a Directory made of a function.
type directory func(ctx context.Context, login, password string) (*auth.External, error)

func (d directory) SignIn(ctx context.Context, login, password string) (*auth.External, error) {
	return d(ctx, login, password)
}

// knows is a directory of one login.
func knows(login string, ext auth.External) directory {
	return func(_ context.Context, l, p string) (*auth.External, error) {
		switch {
		case l != login:
			return nil, nil
		case p != password:
			return nil, errors.New("wrong password")
		}
		return &ext, nil
	}
}

func external(name string) auth.External {
	return auth.External{
		Source: "test", Issuer: "https://id.example.com", Subject: "subject of " + name,
		Username: name, Name: "The " + name, Email: name + "@example.com",
	}
}

func TestADirectoryMakesAnAccountOnceAndOpensASession(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{Directory: knows("lisa", external("Lisa"))}, func(t *testing.T, w *world) {
		first, err := w.SignIn(t.Context(), w.client, "Lisa", password)
		require.NoError(t, err)
		require.Equal(t, "lisa", first.User.Username)
		require.Equal(t, "The Lisa", first.User.Name)
		require.True(t, first.User.External)
		require.False(t, first.User.Admin)
		id, err := authenticated(t, w.Service, withCookie(first.Cookie))
		require.NoError(t, err)
		require.Equal(t, first.User.ID, id.User.ID)
		again, err := w.SignIn(t.Context(), w.client, "lisa", password)
		require.NoError(t, err)
		require.Equal(t, first.User.ID, again.User.ID)
		_, err = w.SignIn(t.Context(), w.client, "lisa", "wrong")
		require.ErrorIs(t, err, auth.ErrCredentials)
	})
}

func TestAFaultOfTheDirectoryKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]directory{
		"an error":                  func(context.Context, string, string) (*auth.External, error) { return nil, errors.New("no route") },
		"a local account":           knows("alice", external("alice")),
		"an account without a name": knows("alice", auth.External{}),
		"an unknown login":          knows("lisa", external("lisa")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, auth.Config{Directory: d})
			w.signIn(t)
			_, err := w.SignIn(t.Context(), w.client, "alice", "wrong")
			require.ErrorIs(t, err, auth.ErrCredentials)
		})
	}
}

func TestADirectoryIsNeverAskedWithNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, auth.Config{Directory: directory(func(_ context.Context, login, password string) (*auth.External, error) {
		t.Errorf("asked for %q with a password of %d bytes", login, len(password))
		return nil, nil
	})})
	for _, try := range [][2]string{{"alice", ""}, {"", password}, {" ", password}, {repeat("a", 300), password}} {
		_, err := w.SignIn(t.Context(), w.client, try[0], try[1])
		require.ErrorIs(t, err, auth.ErrCredentials)
	}
}

func TestAnAccountIsFoundByIssuerAndSubjectThenByAddress(t *testing.T) {
	t.Parallel()
	onStores(t, auth.Config{}, func(t *testing.T, w *world) {
		known := w.user(t, store.User{Username: "lisa", Email: "Lisa@Example.com", External: true})
		in, err := w.SignInExternal(t.Context(), w.client, external("lisa"))
		require.NoError(t, err)
		require.Equal(t, known.ID, in.User.ID, "by address, in any case")

		moved := external("lisa")
		moved.Username, moved.Email = "lisa2", "lisa2@example.com"
		in, err = w.SignInExternal(t.Context(), w.client, moved)
		require.NoError(t, err)
		require.Equal(t, known.ID, in.User.ID, "by subject, whatever the address is now")

		thief := external("lisa")
		thief.Subject = "somebody else"
		_, err = w.SignInExternal(t.Context(), w.client, thief)
		require.ErrorIs(t, err, auth.ErrExternal, "the address of somebody who is known by subject")

		other := external("lisa")
		other.Issuer = "https://another.example.com"
		in, err = w.SignInExternal(t.Context(), w.client, other)
		require.NoError(t, err)
		require.Equal(t, known.ID, in.User.ID, "a second provider")

		require.NoError(t, w.st.Users().Delete(t.Context(), 0, known.ID))
		in, err = w.SignInExternal(t.Context(), w.client, external("lisa"))
		require.NoError(t, err)
		require.NotEqual(t, known.ID, in.User.ID, "a deleted account is made anew")
	})
}

func TestAccountsThatAProviderCannotHave(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	for _, test := range []struct {
		name   string
		change func(*auth.External)
		fine   bool
	}{
		{"one of its own", func(*auth.External) {}, true},
		{"a verified address", func(e *auth.External) { e.EmailVerified = &yes }, true},
		{"an address that is not verified", func(e *auth.External) { e.EmailVerified = &no }, false},
		{"the address of a local account", func(e *auth.External) { e.Email = "ALICE@example.com" }, false},
		{"the name of a local account", func(e *auth.External) { e.Username = "alice" }, false},
		{"the trusted name of a local account", func(e *auth.External) { e.Username, e.TrustUsername = "alice", true }, false},
		{"the name of another person", func(e *auth.External) { e.Username = "lisa" }, false},
		{"an address that is somebody's name", func(e *auth.External) { e.Email = "odd@example.com" }, false},
		{"no name", func(e *auth.External) { e.Username = " " }, false},
		{"no address", func(e *auth.External) { e.Email = "" }, false},
		{"nobody in particular", func(e *auth.External) { e.Issuer, e.Subject = "", "" }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			onStores(t, auth.Config{}, func(t *testing.T, w *world) {
				w.user(t, store.User{Username: "lisa", Email: "lisa@example.com", External: true})
				w.user(t, store.User{Username: "odd@example.com", Email: "strange@example.com", External: true})
				before, err := w.st.Users().Count(t.Context(), 0, store.Query{})
				require.NoError(t, err)
				ext := external("bart")
				test.change(&ext)
				_, err = w.SignInExternal(t.Context(), w.client, ext)
				after, countErr := w.st.Users().Count(t.Context(), 0, store.Query{})
				require.NoError(t, countErr)
				if test.fine {
					require.NoError(t, err)
					require.Equal(t, before+1, after)
					return
				}
				require.ErrorIs(t, err, auth.ErrExternal)
				require.Equal(t, before, after)
				options, err := w.st.Options().All(t.Context())
				require.NoError(t, err)
				require.Empty(t, options)
			})
		})
	}
}

func TestGroupsOfAProviderBecomeRoles(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	var next auth.Grants
	cfg := auth.Config{ProviderRoles: func(_ context.Context, ext auth.External) (auth.Grants, error) {
		if len(ext.Groups) == 0 {
			return auth.Grants{}, errors.New("no groups")
		}
		return next, nil
	}}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			w := setupOn(t, open(t), cfg)
			a, err := w.st.Projects().Create(t.Context(), store.Project{Name: "a"})
			require.NoError(t, err)
			b, err := w.st.Projects().Create(t.Context(), store.Project{Name: "b"})
			require.NoError(t, err)
			ext := external("lisa")
			_, err = w.SignInExternal(t.Context(), w.client, ext)
			require.ErrorIs(t, err, auth.ErrExternal)
			ext.Groups = []string{"ops"}
			for i, test := range []struct {
				grants auth.Grants
				admin  bool
				roles  [2]string
			}{
				{auth.Grants{Admin: &yes, Projects: map[int64]string{a.ID: "manager", 999: "owner"}}, true, [2]string{"manager", ""}},
				{auth.Grants{}, true, [2]string{"manager", ""}},
				{auth.Grants{Admin: &no, Projects: map[int64]string{a.ID: "guest", b.ID: "owner"}}, false, [2]string{"guest", "owner"}},
				{auth.Grants{Projects: map[int64]string{a.ID: "", b.ID: "owner"}}, false, [2]string{"", "owner"}},
				{auth.Grants{Projects: map[int64]string{a.ID: ""}}, false, [2]string{"", "owner"}},
			} {
				next = test.grants
				in, err := w.SignInExternal(t.Context(), w.client, ext)
				require.NoError(t, err, strconv.Itoa(i))
				require.Equal(t, test.admin, in.User.Admin)
				for j, p := range []store.Project{a, b} {
					page, err := w.st.Projects().Members().List(t.Context(), p.ID, store.Query{})
					require.NoError(t, err)
					got := ""
					if len(page.Items) > 0 {
						got = page.Items[0].Role
					}
					require.Equal(t, test.roles[j], got)
				}
			}
		})
	}
}

func TestTheNameIsEnoughForADirectoryThatHasCheckedThePassword(t *testing.T) {
	t.Parallel()
	ext := auth.External{Source: "test", Username: "Lisa", Email: "new@example.com"}
	w := setup(t, auth.Config{Directory: knows("lisa", ext)})
	known := w.user(t, store.User{Username: "lisa", Email: "old@example.com", External: true})
	in, err := w.SignIn(t.Context(), w.client, "lisa", password)
	require.NoError(t, err)
	require.Equal(t, known.ID, in.User.ID)
	_, err = w.SignInExternal(t.Context(), w.client, ext)
	require.ErrorIs(t, err, auth.ErrExternal, "for others it is not")
}
