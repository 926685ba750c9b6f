package postgres_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
	"github.com/alexandervashurin/semaphore/store/postgres"
)

func TestManyMayOpenAFreshDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	var g errgroup.Group
	for range 6 {
		g.Go(func() error {
			s, err := postgres.Open(t.Context(), url, postgres.Config{})
			if err != nil {
				return err
			}
			if _, err := s.Projects().Create(t.Context(), store.Project{Name: "p"}); err != nil {
				return err
			}
			return s.Close()
		})
	}
	require.NoError(t, g.Wait())
	n, err := open(t, url, postgres.Config{}).Projects().Count(t.Context(), 0, store.Query{})
	require.NoError(t, err)
	require.Equal(t, 6, n)
	versions := texts(t, url, "SELECT version_id FROM semaphore_go."+sqlstore.VersionTable+" GROUP BY version_id HAVING count(*) > 1")
	require.Empty(t, versions, "each step was taken once")
}

// TestAMigrationWaitsItsTurn: its lock is that of the schema.
func TestAMigrationWaitsItsTurn(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	db := rawDB(t, url)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), postgres.MigrateLock("semaphore_go"))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		s, err := postgres.Open(t.Context(), url, postgres.Config{})
		if err == nil {
			err = s.Close()
		}
		done <- err
	}()
	waitForLock(t, db)
	open(t, url, postgres.Config{Schema: "other"})
	require.Empty(t, texts(t, url, "SELECT 1 FROM pg_tables WHERE schemaname = 'semaphore_go'"))
	require.NoError(t, tx.Commit())
	require.NoError(t, <-done)
	require.NotEmpty(t, texts(t, url, "SELECT 1 FROM pg_tables WHERE schemaname = 'semaphore_go'"))
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	open(t, url, postgres.Config{})
	_, err := rawDB(t, url).ExecContext(t.Context(), "INSERT INTO semaphore_go."+sqlstore.VersionTable+" (version_id, is_applied) VALUES (999, TRUE)")
	require.NoError(t, err)
	_, err = postgres.Open(t.Context(), url, postgres.Config{})
	require.ErrorIs(t, err, store.ErrNewer)
}

// TestASchemaOfSemaphoreUIIsNeverWritten: beside it there is room for ours.
func TestASchemaOfSemaphoreUIIsNeverWritten(t *testing.T) {
	t.Parallel()
	url := pgtest.Shared(t).Database(t)
	db := rawDB(t, url)
	_, err := db.ExecContext(t.Context(), `CREATE TABLE migrations (version VARCHAR(255) PRIMARY KEY, upgraded_date TIMESTAMP, notes TEXT);
		INSERT INTO migrations (version) VALUES ('0.0.0'); CREATE TABLE project (id INT)`)
	require.NoError(t, err)
	tables := func() []string {
		return texts(t, url, "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2")
	}
	before := tables()
	_, err = postgres.Open(t.Context(), url, postgres.Config{Schema: "public"})
	require.ErrorIs(t, err, store.ErrForeign)
	_, err = postgres.Use(t.Context(), db, postgres.Config{Schema: "public"})
	require.ErrorIs(t, err, store.ErrForeign)
	require.Equal(t, before, tables())
	_, err = db.ExecContext(t.Context(), "DROP TABLE migrations; CREATE TABLE project__template (id INT)")
	require.NoError(t, err)
	before = tables()
	_, err = postgres.Open(t.Context(), url, postgres.Config{Schema: "public"})
	require.ErrorIs(t, err, store.ErrForeign, "its other tables tell, too")
	require.Equal(t, before, tables())
	add(t, open(t, url, postgres.Config{}), template(t, open(t, url, postgres.Config{}), false))
	require.Subset(t, tables(), before)
	require.Empty(t, texts(t, url, "SELECT * FROM project"))
}

// TestWhoseAccountMayMakeNoSchemaUsesOneThatIsThere.
func TestAnAccountThatMayMakeNoSchemaUsesOneThatIsThere(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	url := c.Database(t)
	db := rawDB(t, url)
	_, err := db.ExecContext(t.Context(), "CREATE ROLE narrow LOGIN PASSWORD '"+pgtest.Password+"'; CREATE SCHEMA semaphore_go AUTHORIZATION narrow")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, _ = db.ExecContext(t.Context(), "DROP OWNED BY narrow")
	})
	s := open(t, pgtest.As(url, "narrow"), postgres.Config{})
	add(t, s, template(t, s, false))
	_, err = postgres.Open(t.Context(), pgtest.As(url, "narrow"), postgres.Config{Schema: "new_one"})
	require.ErrorContains(t, err, "permission denied")
}

func TestAnEncodingThatCannotHoldAllTextIsRefused(t *testing.T) {
	t.Parallel()
	c := pgtest.Shared(t)
	db := rawDB(t, c.URL(""))
	_, err := db.ExecContext(t.Context(), "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
	require.NoError(t, err)
	_, err = postgres.Open(t.Context(), c.URL("latin"), postgres.Config{})
	require.ErrorIs(t, err, store.ErrInvalid)
	require.ErrorContains(t, err, "UTF8")
	_, err = postgres.Open(t.Context(), c.URL("missing"), postgres.Config{})
	require.ErrorContains(t, err, "does not exist")
	require.NotErrorIs(t, err, store.ErrBusy)
	_, err = postgres.Open(t.Context(), pgtest.As(c.URL("latin"), "nobody_knows"), postgres.Config{})
	require.ErrorContains(t, err, "password authentication failed")
	require.NotContains(t, err.Error(), pgtest.Password)
}

// texts returns the rows of a query, their columns joined.
func texts(t testing.TB, url, query string, args ...any) []string {
	t.Helper()
	rows, err := rawDB(t, url).QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var list []string
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		require.NoError(t, rows.Scan(values...))
		text := ""
		for _, v := range values {
			text += fmt.Sprint(*v.(*any)) + " "
		}
		list = append(list, text)
	}
	require.NoError(t, rows.Err())
	return list
}
