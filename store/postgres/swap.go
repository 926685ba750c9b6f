package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// silence is how long a server that works writes nothing about itself at most.
const silence = time.Minute

// Commit makes the schema what it will be, and gives it the name of the store's
// in one transaction, in which that one goes.
func (g *stage) Commit(ctx context.Context) error {
	if g.done {
		return fmt.Errorf("fill schema %s: it is committed or aborted already: %w", g.s.cfg.Schema, store.ErrInvalid)
	}
	err := g.complete(ctx)
	if err == nil && !g.check {
		err = g.s.engine.Write(ctx, sqlstore.Mode{Durable: true, Alone: true}, g.swap)
	}
	if err != nil {
		return fmt.Errorf("fill schema %s: %w", g.s.cfg.Schema, fault(err))
	}
	return nil
}

// complete does all that takes time.
func (g *stage) complete(ctx context.Context) error {
	if err := g.flush(ctx); err != nil {
		return err
	}
	db := g.s.engine.db
	for _, k := range g.keys {
		query := "SET LOCAL search_path TO pg_catalog; SET LOCAL statement_timeout = 0; ALTER TABLE " +
			g.name + "." + k.table + " ADD CONSTRAINT " + k.name + " " + k.text
		if err := inTx(ctx, db, query); err != nil {
			var pe *pgconn.PgError
			if errors.As(err, &pe) && pe.Code == foreignKeyViolation {
				return &store.RecordError{Table: k.table, Column: k.column, Reason: "a row refers to something that does not exist in its project"}
			}
			return err
		}
	}
	if err := sqlstore.Postgres(g.name).To(ctx, db, 0); err != nil {
		return err
	}
	for table, last := range g.Sequences() {
		if last < 1 {
			continue
		}
		if _, err := db.ExecContext(ctx, passText(g.name, table), last); err != nil {
			return err
		}
	}
	for _, table := range sqlstore.Tables() { // so that the first queries are planned for what there is
		if _, err := db.ExecContext(ctx, "ANALYZE "+g.name+"."+table); err != nil {
			return err
		}
	}
	return nil
}

// inTx runs statements in a transaction of their own.
func inTx(ctx context.Context, db *sql.DB, queries string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for query := range strings.SplitSeq(queries, "; ") {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// swap is the last transaction.
func (g *stage) swap(ctx context.Context, q sqlstore.Querier) error {
	target, old := g.s.cfg.Schema, g.s.cfg.Schema+"_old"
	lock := "LOCK TABLE "
	for i, table := range sqlstore.Tables() {
		if i > 0 {
			lock += ", "
		}
		lock += target + "." + table
	}
	for _, query := range []string{lockText(target, migrateLock), lock + " IN ACCESS EXCLUSIVE MODE"} {
		if _, err := q.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	if err := vacant(ctx, q); err != nil {
		return err
	}
	if err := onlyOurs(ctx, q, target); err != nil {
		return err
	}
	for _, query := range []string{
		"ALTER SCHEMA " + target + " RENAME TO " + old,
		"ALTER SCHEMA " + g.name + " RENAME TO " + target,
		"DROP SCHEMA " + old + " CASCADE",
	} {
		if _, err := q.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// vacant answers store.ErrNotEmpty where somebody would lose something, and
// store.OwnedError where a server works.
func vacant(ctx context.Context, q sqlstore.Querier) error {
	taken, err := queryTexts(ctx, q, "SELECT 'users' FROM app_user UNION ALL SELECT 'projects' FROM project UNION ALL SELECT 'runners' FROM runner LIMIT 1")
	if err != nil {
		return fault(err)
	}
	if len(taken) > 0 {
		return store.ErrNotEmpty
	}
	servers, err := queryTexts(ctx, q, "SELECT value FROM option WHERE starts_with(key, '"+store.NodeOptions+"')")
	if err != nil {
		return fault(err)
	}
	now, err := clock(ctx, q)
	if err != nil {
		return fault(err)
	}
	for _, text := range servers {
		var server struct {
			Host string    `json:"host"`
			Seen time.Time `json:"seen"`
		}
		if json.Unmarshal([]byte(text), &server) == nil && now.Sub(server.Seen) < silence {
			return fmt.Errorf("the server on %s: %w", server.Host, &store.OwnedError{File: "the database"})
		}
	}
	return nil
}

// onlyOurs refuses a schema that holds tables of somebody else.
func onlyOurs(ctx context.Context, q sqlstore.Querier, schema string) error {
	found, err := queryTexts(ctx, q, "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = '"+schema+"'")
	if err != nil {
		return err
	}
	known := append(sqlstore.Tables(), sqlstore.VersionTable)
	for _, name := range found {
		if !slices.Contains(known, name) {
			return fmt.Errorf("schema %s holds a table %s that is not of this program: move it elsewhere: %w", schema, name, store.ErrInvalid)
		}
	}
	return nil
}

func queryTexts(ctx context.Context, q sqlstore.Querier, query string) ([]string, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}
