//go:build linux

package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// inContainer starts the program as an image does: in an empty root, told by
// variables alone.
func inContainer(t *testing.T, root string, env ...string) *server {
	t.Helper()
	l := launch{root: true, dir: root, args: []string{"--no-config", "server"}, env: append([]string{"SEMAPHORE_PORT=0"}, env...)}
	return l.serve(t)
}

// secretFiles writes secrets as an orchestrator mounts them, with a line break.
func secretFiles(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range contents {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600))
	}
	return dir
}

func TestContainerVariablesMakeTheAdmin(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	secrets := secretFiles(t, map[string]string{"admin": "ann", "password": "correct horse", "key": crypto.GenerateKey().Encode()})
	env := []string{
		"SEMAPHORE_ADMIN=ann", "SEMAPHORE_ADMIN_PASSWORD=correct horse", "SEMAPHORE_ADMIN_EMAIL=ann@example.org", "SEMAPHORE_ADMIN_NAME=Ann A.",
		"SEMAPHORE_DB_DIALECT=sqlite", "SEMAPHORE_DB_PATH=" + root, "SEMAPHORE_DATA_DIR=" + root,
		"SEMAPHORE_ACCESS_KEY_ENCRYPTION_FILE=" + filepath.Join(secrets, "key"),
	}
	s := inContainer(t, root, env...)
	require.NotContains(t, s.out.String(), "correct horse")
	require.NotContains(t, s.out.String(), "shown once")
	require.NotContains(t, s.out.String(), "warning")
	require.FileExists(t, filepath.Join(root, "semaphore.db"))
	require.NoFileExists(t, filepath.Join(root, "access.key"))
	require.Equal(t, http.StatusNoContent, s.signIn("ann", "correct horse"))
	var user store.User
	s.must("GET", "/user", nil, &user)
	require.Equal(t, []any{"ann", "Ann A.", "ann@example.org", true}, []any{user.Username, user.Name, user.Email, user.Admin})
	s.must("POST", "/users/1/password", map[string]string{"password": "battery staple"}, nil)
	s.stop()

	// The second start leaves the account alone, however its variables came.
	env[0], env[1] = "SEMAPHORE_ADMIN_FILE="+filepath.Join(secrets, "admin"), "SEMAPHORE_ADMIN_PASSWORD_FILE="+filepath.Join(secrets, "password")
	s = inContainer(t, root, env...)
	require.Equal(t, http.StatusUnauthorized, s.signIn("ann", "correct horse"))
	require.Equal(t, http.StatusNoContent, s.signIn("ann", "battery staple"))
	var users []store.User
	s.must("GET", "/users", nil, &users)
	require.Len(t, users, 1)
	s.stop()
}

func TestContainerSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	secrets := secretFiles(t, map[string]string{"admin": "Root", "password": "from a file", "key": crypto.GenerateKey().Encode()})
	s := inContainer(t, root, "SEMAPHORE_DATA_DIR="+root, "SEMAPHORE_ADMIN_FILE="+filepath.Join(secrets, "admin"),
		"SEMAPHORE_ADMIN_PASSWORD_FILE="+filepath.Join(secrets, "password"), "SEMAPHORE_ACCESS_KEY_ENCRYPTION_FILE="+filepath.Join(secrets, "key"))
	require.Equal(t, http.StatusNoContent, s.signIn("root", "from a file"))
	var user store.User
	s.must("GET", "/user", nil, &user)
	require.Equal(t, "admin@localhost", user.Email)
	s.stop()
	missing := launch{root: true, args: []string{"server", "--no-config"}, env: []string{"SEMAPHORE_ADMIN_PASSWORD_FILE=/nonexistent/password"}}.start(t)
	require.NotZero(t, missing.exit())
	require.Contains(t, missing.out.String(), "SEMAPHORE_ADMIN_PASSWORD_FILE")
}

// TestADeadDirectoryBlocksNobody names a directory that does not answer: it is
// asked, and local accounts sign in all the same.
func TestADeadDirectoryBlocksNobody(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	secrets := secretFiles(t, map[string]string{"ldap": "reader's password"})
	s := inContainer(t, root, "SEMAPHORE_DATA_DIR="+root, "SEMAPHORE_ADMIN=ann", "SEMAPHORE_ADMIN_PASSWORD=correct horse",
		"SEMAPHORE_LDAP_ACTIVATED=yes", "SEMAPHORE_LDAP_HOST=127.0.0.1", "SEMAPHORE_LDAP_PORT=1", "SEMAPHORE_LDAP_DN_BIND=cn=reader",
		"SEMAPHORE_LDAP_PASSWORD_FILE="+filepath.Join(secrets, "ldap"), "SEMAPHORE_LDAP_DN_SEARCH=ou=people", "SEMAPHORE_LDAP_MAPPING_USERNAME=uid")
	require.Equal(t, http.StatusUnauthorized, s.signIn("eve", "correct horse"))
	require.Contains(t, s.out.String(), "127.0.0.1:1", "it was asked")
	require.Equal(t, http.StatusNoContent, s.signIn("ann", "correct horse"))
	require.NotContains(t, s.out.String(), "reader's password")
	s.stop()
}
