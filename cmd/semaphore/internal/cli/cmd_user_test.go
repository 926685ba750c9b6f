package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/store"
)

// user reads an account.
func (s site) user(t *testing.T, login string) store.User {
	t.Helper()
	u, err := s.store(t).Users().ByLogin(t.Context(), login)
	require.NoError(t, err)
	return u
}

func TestUsersAreAddedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	file := filepath.Join(s.dir, "password")
	require.NoError(t, os.WriteFile(file, []byte("from a file\n"), 0o600))
	s.must(t, "", "user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "first", "--admin")
	s.must(t, "", "users", "add", "--login", "bob", "--name", "Bob", "--email", "bob@example.org", "--password-file", file)
	s.must(t, " with spaces \nsecond line\n", "user", "add", "--login", "eve", "--name", "Eve", "--email", "eve@example.org")
	s.must(t, "", "user", "add", "--login", "ldap", "--name", "L", "--email", "l@example.org", "--external")
	require.Equal(t, "ann\nbob\neve\nldap\n", s.must(t, "", "user", "list"))
	for login, password := range map[string]string{"ann": "first", "bob": "from a file", "eve": " with spaces "} {
		require.NoError(t, bcrypt.CompareHashAndPassword([]byte(s.user(t, login).Password), []byte(password)), login)
	}
	require.True(t, s.user(t, "ann").Admin)
	require.False(t, s.user(t, "bob").Admin)
	require.True(t, s.user(t, "ldap").External)
	require.Empty(t, s.user(t, "ldap").Password)

	s.must(t, "", "user", "change-by-login", "--login", "bob", "--name", "Robert", "--admin", "--password", "second")
	s.must(t, "", "user", "change-by-email", "--email", "ann@example.org", "--login", "anna", "--admin=false")
	bob, anna := s.user(t, "bob"), s.user(t, "anna")
	require.Equal(t, "Robert", bob.Name)
	require.Equal(t, "bob@example.org", bob.Email)
	require.True(t, bob.Admin)
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(bob.Password), []byte("second")))
	require.Equal(t, "Ann", anna.Name)
	require.False(t, anna.Admin)
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(anna.Password), []byte("first")), "it stays")
	out := s.must(t, "", "user", "get", "--email", "bob@example.org")
	require.Regexp(t, `(?m)^login: +bob$`, out)
	require.NotContains(t, out, bob.Password)

	s.must(t, "", "user", "delete", "--login", "eve")
	require.Equal(t, "anna\nbob\nldap\n", s.must(t, "", "user", "list"))
	events, err := s.store(t).Events().List(t.Context(), 0, store.Query{Limit: -1})
	require.NoError(t, err)
	require.Len(t, events.Items, 7)
	require.Equal(t, "User eve deleted by the command line", events.Items[0].Description)
}

func TestUserCommandsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]any{"min_password_length": 5})
	s.must(t, "", "user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "hunter2")
	s.must(t, "", "user", "add", "--login", "ext", "--name", "X", "--email", "x@example.org", "--external")
	rest := "--name N --email n@example.org"
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"user add --login x --name x", cli.ExitUsage, "--email is needed"},
		{"user add --login x " + rest, cli.ExitUsage, "a password is needed"},
		{"user add --login x --password abc " + rest, cli.ExitUsage, "5"},
		{"user add --login x --password " + strings.Repeat("x", 73) + " " + rest, cli.ExitUsage, "72 bytes"},
		{"user add --login x --password hunter2 --external " + rest, cli.ExitUsage, "no password"},
		{"user add --login x --password hunter2 --password-file /no/file " + rest, cli.ExitUsage, "exclude"},
		{"user add --login x --password-file /no/file " + rest, cli.ExitUsage, "no such file"},
		{"user add --login ann --password hunter2 " + rest, cli.ExitFailure, "taken already"},
		{"user get", cli.ExitUsage, "--login or --email is needed"},
		{"user get --login ann --email ann@example.org", cli.ExitUsage, "exclude"},
		{"user get --login nobody", cli.ExitFailure, "nobody"},
		{"user delete --email nobody@example.org", cli.ExitFailure, "nobody@example.org"},
		{"user change-by-login --login ann --email x@example.org", cli.ExitFailure, "taken already"},
		{"user change-by-login --login ann --password abc", cli.ExitUsage, "5"},
		{"user change-by-login --login ext --password hunter2", cli.ExitUsage, "has no password"},
		{"user totp show --login ann", cli.ExitFailure, "no second factor"},
		{"user totp", 0, ""},
	} {
		code, _, errs := s.call(t, "", strings.Fields(c.args)...)
		require.Equal(t, c.code, code, "%s: %s", c.args, errs)
		require.Contains(t, errs, c.says, c.args)
		require.NotContains(t, errs, "hunter2")
	}
	require.Equal(t, "ann\next\n", s.must(t, "", "user", "list"))
}

func TestNewPasswordEndsSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.must(t, "", "user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "first")
	st := s.store(t)
	u := s.user(t, "ann")
	_, err := st.Users().Sessions().Create(t.Context(), store.Session{UserID: u.ID, Created: time.Now(), LastActive: time.Now()})
	require.NoError(t, err)
	s.must(t, "", "user", "change-by-login", "--login", "ann", "--name", "Anna")
	count, err := st.Users().Sessions().Count(t.Context(), u.ID, store.Query{})
	require.NoError(t, err)
	require.Equal(t, 1, count)
	s.must(t, "", "user", "change-by-login", "--login", "ann", "--password", "second")
	count, err = st.Users().Sessions().Count(t.Context(), u.ID, store.Query{})
	require.NoError(t, err)
	require.Zero(t, count)
}

func TestSecondFactorIsActiveOnceACodeConfirmedIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]any{"auth": map[string]any{"totp": map[string]any{"enabled": true, "allow_recovery": true, "app_name": "Ops"}}})
	s.must(t, "", "user", "add", "--login", "ann", "--name", "Ann", "--email", "ann@example.org", "--password", "first")
	out := s.must(t, "", "user", "totp", "enable", "--login", "ann")
	require.Contains(t, out, "not active")
	require.Regexp(t, `recovery code: [A-Z2-7]{16}`, out)
	require.Contains(t, out, "issuer=Ops")
	require.Contains(t, out, "▀")
	require.Contains(t, s.must(t, "", "user", "totp", "show", "--login", "ann"), "▀")
	code, _, errs := s.call(t, "000000x\n", "user", "totp", "enable", "--login", "ann")
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "clocks")

	// The code has to be given while the command waits for it.
	in := &answer{}
	code = cli.Main(t.Context(), []string{"--config", s.file, "user", "totp", "enable", "--login", "ann"}, cli.Streams{In: in, Out: in, Err: &strings.Builder{}})
	require.Zero(t, code)
	shown := s.must(t, "", "user", "totp", "show", "--login", "ann")
	require.Contains(t, shown, "active since")
	require.NotContains(t, shown, "secret=")
	code, _, errs = s.call(t, "", "user", "totp", "enable", "--login", "ann")
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "disable it first")
	s.must(t, "", "user", "totp", "disable", "--login", "ann")
	code, _, errs = s.call(t, "", "user", "totp", "show", "--login", "ann")
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "no second factor")
}

// answer reads the URL that a command shows, and types the code for it.
type answer struct {
	text string
	out  strings.Builder
}

// Write takes the output.
func (a *answer) Write(p []byte) (int, error) {
	a.out.Write(p)
	if m := regexp.MustCompile(`secret=([A-Z2-7]+)`).FindStringSubmatch(a.out.String()); m != nil && a.text == "" {
		code, err := totp.GenerateCode(m[1], time.Now())
		if err != nil {
			return 0, err
		}
		a.text = code + "\n"
	}
	return len(p), nil
}

// Read types the code.
func (a *answer) Read(p []byte) (int, error) {
	if a.text == "" {
		return 0, fmt.Errorf("no URL was shown")
	}
	return copy(p, a.text), nil
}

func TestUnlockIsSeenByTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.must(t, "", "user", "add", "--login", "Ann", "--name", "Ann", "--email", "ann@example.org", "--password", "first")
	before := time.Now().Unix()
	s.must(t, "", "user", "unlock", "--login", "Ann")
	options, err := s.store(t).Options().All(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, options[auth.UnlockOption("Ann")], fmt.Sprint(before))
}
