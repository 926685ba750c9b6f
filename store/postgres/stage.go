package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// How much is sent at once.
const (
	stageRows  = 10_000
	stageBytes = 16 << 20
)

const (
	stageSuffix  = "_stage"
	abortTimeout = 30 * time.Second
)

// stage is a schema beside that of the store, whose name it gets in the end. The
// foreign keys come last: nothing has to be loaded in the order of references.
type stage struct {
	*sqlstore.Loader
	s       *Store
	check   bool
	clean   func() error
	name    string
	names   *qualifier
	lock    *sql.Conn // holds the turn as long as its transaction lasts
	keys    []foreignKey
	batch   [][]any
	table   string
	columns []string
	bytes   int
	made    bool
	done    bool
}

// foreignKey is a constraint that was taken off.
type foreignKey struct{ table, name, text, column string }

// Stage begins to fill the schema, by another one beside it: so the account needs
// the right to make schemas in the database.
func (s *Store) Stage(ctx context.Context, o store.StageOptions) (store.Staging, error) {
	g, err := s.stage(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("fill schema %s: %w", s.cfg.Schema, err)
	}
	return g, nil
}

func (s *Store) stage(ctx context.Context, o store.StageOptions) (_ *stage, err error) {
	name := s.cfg.Schema + stageSuffix
	if !schemaName.MatchString(name) {
		return nil, fmt.Errorf("schema %s: the name is too long for another one beside it: %w", s.cfg.Schema, store.ErrInvalid)
	}
	g := &stage{s: s, check: o.Check, name: name, names: newQualifier(name)}
	g.clean = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		return g.remove(ctx)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Abort())
		}
	}()
	if err := g.begin(ctx); err != nil {
		return nil, err
	}
	if err := vacant(ctx, s.engine.in(s.engine.db)); err != nil {
		return nil, err
	}
	g.made = true
	if err := g.make(ctx, o.Schema); err != nil {
		return nil, err
	}
	g.Loader, err = sqlstore.NewLoader(ctx, g.in(s.engine.db))
	return g, fault(err)
}

func (g *stage) in(q sqlstore.Querier) sqlstore.Querier { return querier{q, g.names} }

// begin takes the turn. The lock is that of a transaction which does nothing
// else: a pooler may give each transaction another connection.
func (g *stage) begin(ctx context.Context) (err error) {
	if g.lock, err = g.s.engine.db.Conn(ctx); err != nil {
		return fault(err)
	}
	for _, query := range []string{"BEGIN", "SET LOCAL idle_in_transaction_session_timeout = 0"} {
		if _, err := g.lock.ExecContext(ctx, query); err != nil {
			return fault(err)
		}
	}
	var mine bool
	query := fmt.Sprintf("SELECT pg_try_advisory_xact_lock(%d)", lockKey(g.s.cfg.Schema, stageLock))
	if err := g.lock.QueryRowContext(ctx, query).Scan(&mine); err != nil {
		return fault(err)
	}
	if !mine {
		return &store.OwnedError{File: "schema " + g.name}
	}
	return nil
}

// make makes the schema anew, without foreign keys.
func (g *stage) make(ctx context.Context, version int64) error {
	db := g.s.engine.db
	if err := g.drop(ctx); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+g.name); err != nil {
		if hasCode(err, "42501") {
			return fmt.Errorf("the account may not make a schema: GRANT CREATE ON DATABASE to it: %w", err)
		}
		return fault(err)
	}
	if err := sqlstore.Postgres(g.name).To(ctx, db, version); err != nil {
		return fault(err)
	}
	if err := g.readKeys(ctx); err != nil {
		return fault(err)
	}
	for _, k := range g.keys {
		if _, err := db.ExecContext(ctx, "ALTER TABLE "+g.name+"."+k.table+" DROP CONSTRAINT "+k.name); err != nil {
			return fault(err)
		}
	}
	return nil
}

// readKeys remembers the foreign keys. Their text names the schemas, as none of
// them is in the search path.
func (g *stage) readKeys(ctx context.Context) error {
	query := `SELECT t.relname, quote_ident(c.conname), pg_get_constraintdef(c.oid), a.attname
		FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
		JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[array_upper(c.conkey, 1)]
		WHERE c.contype = 'f' AND c.connamespace = to_regnamespace($1) ORDER BY c.oid`
	rows, err := g.s.engine.db.QueryContext(ctx, query, g.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k foreignKey
		if err := rows.Scan(&k.table, &k.name, &k.text, &k.column); err != nil {
			return err
		}
		g.keys = append(g.keys, k)
	}
	return rows.Err()
}

func (g *stage) drop(ctx context.Context) error {
	_, err := g.s.engine.db.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+g.name+" CASCADE")
	return fault(err)
}

// Load gathers records and sends them in bundles.
func (g *stage) Load(ctx context.Context, r store.Record) error {
	row, err := g.Check(r)
	if err != nil || !row {
		return err
	}
	if r.Table != g.table || !slices.Equal(r.Columns, g.columns) {
		if err := g.flush(ctx); err != nil {
			return err
		}
		g.table, g.columns = r.Table, slices.Clone(r.Columns)
	}
	values := slices.Clone(storable(r.Values))
	for i, v := range values {
		switch x := v.(type) {
		case string:
			g.bytes += len(x)
		case []byte:
			values[i] = slices.Clone(x)
			g.bytes += len(x)
		}
	}
	g.batch = append(g.batch, values)
	if len(g.batch) >= stageRows || g.bytes >= stageBytes {
		return g.flush(ctx)
	}
	return nil
}

func (g *stage) flush(ctx context.Context) error {
	if len(g.batch) == 0 {
		return nil
	}
	err := g.send(ctx)
	g.batch, g.bytes = nil, 0
	var pe *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pe) && pe.Code == uniqueViolation:
		return &store.RecordError{Table: g.table, Reason: "a row is there twice, or has a value that another one has and that has to be unique (" + pe.ConstraintName + ")"}
	case errors.As(err, &pe) && pe.Code[:2] == "23":
		return &store.RecordError{Table: g.table, Column: pe.ColumnName, Reason: "a row lacks a value that every row has"}
	}
	return fmt.Errorf("load %s: %w", g.table, fault(err))
}

// send copies the rows that were gathered.
func (g *stage) send(ctx context.Context) error {
	conn, err := g.s.engine.db.Conn(ctx)
	if err != nil {
		return err
	}
	err = conn.Raw(func(dc any) error {
		c := dc.(*stdlib.Conn).Conn() // of pgx, which Open and Use have checked
		_, err := c.CopyFrom(ctx, pgx.Identifier{g.name, g.table}, g.columns, pgx.CopyFromRows(g.batch))
		return err
	})
	return errors.Join(err, conn.Close())
}

// Abort removes the schema, unless it has another name by now.
func (g *stage) Abort() error {
	if g.done {
		return nil
	}
	g.done = true
	return g.clean()
}

func (g *stage) remove(ctx context.Context) (failed error) {
	if g.made {
		failed = g.drop(ctx)
	}
	if g.lock != nil {
		finish(ctx, g.lock, false)
	}
	return failed
}
