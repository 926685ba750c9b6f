package cli_test

import (
	"database/sql"
	"net/url"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
)

// TestAServerDoesNotBeginAnewBesideSemaphoreUI is for who replaces the program
// and keeps a configuration that names PostgreSQL.
func TestAServerDoesNotBeginAnewBesideSemaphoreUI(t *testing.T) {
	t.Parallel()
	address := pgtest.Shared(t).Database(t)
	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.ExecContext(t.Context(), `CREATE TABLE migrations (version VARCHAR(255) PRIMARY KEY, upgraded_date TIMESTAMP, notes TEXT);
		INSERT INTO migrations (version) VALUES ('0.0.0'), ('2.17.15'); CREATE TABLE "user" (id INT); CREATE TABLE project (id INT);
		CREATE TABLE project__template (id INT)`)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	password, _ := u.User.Password()
	s := newSite(t, map[string]any{"dialect": "postgres", "interface": "127.0.0.1", "postgres": map[string]any{
		"host": u.Host, "user": u.User.Username(), "pass": password, "name": u.Path[1:], "options": map[string]string{"sslmode": "disable"},
	}})
	code, out, errs := s.call(t, "", "server", "--port", "0")
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "import-semaphore")
	require.NotContains(t, out, "administrator")
}
