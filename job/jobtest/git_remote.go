package jobtest

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
)

func gitOverHTTP(t *testing.T, newGit func(t *testing.T) job.Git) {
	const token = "tok/en+with@odd%chars-4711"
	for _, tc := range []struct {
		name  string
		key   *job.Key
		admit func(login, password string) bool
		says  string // of the error; "" for success
	}{
		{name: "anybody", key: nil},
		{
			name:  "login and password",
			key:   &job.Key{Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(token)},
			admit: func(login, password string) bool { return login == "deploy" && password == token },
		},
		{
			name:  "a token taken as user name",
			key:   &job.Key{Type: job.KeyLoginPassword, Password: job.NewSecret(token)},
			admit: func(login, _ string) bool { return login == token },
		},
		{
			name:  "a token taken as password",
			key:   &job.Key{Type: job.KeyLoginPassword, Password: job.NewSecret(token)},
			admit: func(_, password string) bool { return password == token },
		},
		{
			name:  "a wrong password is an error without it",
			key:   &job.Key{Name: "deploy key", Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(token)},
			admit: func(string, string) bool { return false },
			says:  "deploy key",
		},
		{
			name:  "no key where one is needed is an error that says so",
			admit: func(_, password string) bool { return password == token },
			says:  "login_password",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newGitFixture(t, newGit)
			server := GitHTTP(t, filepath.Dir(f.repo.Path), tc.admit)
			r, c := f.remote(t, server.URL+"/app.git", tc.key), f.clone(t)
			got, err := f.git.Clone(t.Context(), r, c)
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				require.NotContains(t, err.Error(), token)
				return
			}
			require.NoError(t, err)
			require.Equal(t, f.repo.Hash(t, "main"), got.Hash)
			heads, err := f.git.Heads(t.Context(), r)
			require.NoError(t, err)
			require.Len(t, heads, 2)
			requireNowhere(t, []string{token}, c.Dir, c.Mirror)
			_, err = f.git.Update(t.Context(), r, job.Clone{Dir: filepath.Join(t.TempDir(), "kept"), Ref: "main"})
			require.NoError(t, err)
		})
	}
}

// gitRedirect sends a client that holds a credential to another host, which
// asks for one.
func gitRedirect(t *testing.T, newGit func(t *testing.T) job.Git) {
	const password = "canary-of-the-redirect"
	f := newGitFixture(t, newGit)
	var mu sync.Mutex
	var asked []string
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		asked = append(asked, req.Header.Get("Authorization"))
		mu.Unlock()
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(thief.Close)
	elsewhere := strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, elsewhere+req.URL.String(), http.StatusFound)
	}))
	t.Cleanup(server.Close)
	key := &job.Key{Type: job.KeyLoginPassword, Login: "deploy", Password: job.NewSecret(password)}
	_, err := f.git.Heads(t.Context(), f.remote(t, server.URL+"/app.git", key))
	require.Error(t, err)
	require.NotContains(t, err.Error(), password)
	mu.Lock()
	defer mu.Unlock()
	for _, header := range asked {
		require.Empty(t, header, "the other host was given the credential")
	}
}

func gitOverSSH(t *testing.T, newGit func(t *testing.T) job.Git) {
	const passphrase = "open sesame 4711"
	t.Run("a key with a passphrase", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		private, public := SSHKey(t, passphrase)
		server := NewGitSSH(t, filepath.Dir(f.repo.Path), public)
		key := &job.Key{Type: job.KeySSH, PrivateKey: job.NewSecret(private), Passphrase: job.NewSecret(passphrase)}
		r, c := f.remote(t, server.URL("app.git"), key), f.clone(t)
		got, err := f.git.Clone(t.Context(), r, c)
		require.NoError(t, err)
		require.Equal(t, f.repo.Hash(t, "main"), got.Hash)
		heads, err := f.git.Heads(t.Context(), r)
		require.NoError(t, err)
		require.Len(t, heads, 2)
		requireNowhere(t, []string{passphrase, private[60:100]}, c.Dir, c.Mirror)
	})
	t.Run("the key's login is the user of a URL without one", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		private, public := SSHKey(t, "")
		server := NewGitSSH(t, filepath.Dir(f.repo.Path), public)
		key := &job.Key{Type: job.KeySSH, Login: "robot", PrivateKey: job.NewSecret(private)}
		_, err := f.git.Heads(t.Context(), f.remote(t, "ssh://"+server.Addr+"/app.git", key))
		require.NoError(t, err)
		require.Contains(t, server.Users(), "robot")
	})
	t.Run("a key the server does not know is an error that names it", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		_, public := SSHKey(t, "")
		private, _ := SSHKey(t, "")
		server := NewGitSSH(t, filepath.Dir(f.repo.Path), public)
		key := &job.Key{Name: "deploy key", Type: job.KeySSH, PrivateKey: job.NewSecret(private)}
		_, err := f.git.Clone(t.Context(), f.remote(t, server.URL("app.git"), key), f.clone(t))
		require.ErrorContains(t, err, "deploy key")
	})
	t.Run("a wrong passphrase is an error", func(t *testing.T) {
		t.Parallel()
		f := newGitFixture(t, newGit)
		private, public := SSHKey(t, passphrase)
		server := NewGitSSH(t, filepath.Dir(f.repo.Path), public)
		key := &job.Key{Type: job.KeySSH, PrivateKey: job.NewSecret(private), Passphrase: job.NewSecret("wrong words")}
		_, err := f.git.Clone(t.Context(), f.remote(t, server.URL("app.git"), key), f.clone(t))
		require.ErrorContains(t, err, "passphrase")
		require.NotContains(t, err.Error(), "wrong words")
	})
}

func gitHostKeys(t *testing.T, newGit func(t *testing.T) job.Git) {
	type bundle struct {
		*gitFixture
		server *GitSSH
		remote job.Remote
	}
	setup := func(t *testing.T, policy job.HostKeyPolicy) *bundle {
		f := newGitFixture(t, newGit)
		private, public := SSHKey(t, "")
		server := NewGitSSH(t, filepath.Dir(f.repo.Path), public)
		r := f.remote(t, server.URL("app.git"), &job.Key{Type: job.KeySSH, PrivateKey: job.NewSecret(private)})
		r.HostKeys.Policy = policy
		return &bundle{f, server, r}
	}
	t.Run("pin learns a key at first use and then holds to it", func(t *testing.T) {
		t.Parallel()
		b := setup(t, job.HostKeysPin)
		key := b.server.ChangeHostKey(t)
		_, err := b.git.Clone(t.Context(), b.remote, b.clone(t))
		require.NoError(t, err)
		require.Equal(t, []job.HostKey{{Host: b.server.Host(), Key: key}}, b.learned)

		b.remote.HostKeys.Known = b.learned
		_, err = b.git.Heads(t.Context(), b.remote)
		require.NoError(t, err)
		require.Len(t, b.learned, 1, "a known key is not learned again")

		b.server.ChangeHostKey(t)
		_, err = b.git.Heads(t.Context(), b.remote)
		require.ErrorIs(t, err, job.ErrHostKey)
		require.ErrorContains(t, err, "127.0.0.1")
		require.ErrorContains(t, err, "forget")
		require.Len(t, b.learned, 1)
	})
	t.Run("pin refuses another kind of key of a known host", func(t *testing.T) {
		t.Parallel()
		b := setup(t, job.HostKeysPin)
		b.remote.HostKeys.Known = []job.HostKey{{Host: b.server.Host(), Key: otherKindOfKey}}
		_, err := b.git.Heads(t.Context(), b.remote)
		require.ErrorIs(t, err, job.ErrHostKey)
		require.Empty(t, b.learned)
	})
	t.Run("strict refuses an unknown host and takes a known one", func(t *testing.T) {
		t.Parallel()
		b := setup(t, job.HostKeysStrict)
		key := b.server.ChangeHostKey(t)
		_, err := b.git.Heads(t.Context(), b.remote)
		require.ErrorIs(t, err, job.ErrHostKey)
		require.ErrorContains(t, err, "known hosts")
		require.Empty(t, b.learned)
		b.remote.HostKeys.Known = []job.HostKey{{Host: b.server.Host(), Key: key}}
		_, err = b.git.Heads(t.Context(), b.remote)
		require.NoError(t, err)
	})
	t.Run("off takes any key and learns none", func(t *testing.T) {
		t.Parallel()
		b := setup(t, job.HostKeysOff)
		_, err := b.git.Heads(t.Context(), b.remote)
		require.NoError(t, err)
		b.server.ChangeHostKey(t)
		_, err = b.git.Heads(t.Context(), b.remote)
		require.NoError(t, err)
		require.Empty(t, b.learned)
	})
}

// otherKindOfKey is an ECDSA host key; the server's own is Ed25519.
const otherKindOfKey = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
