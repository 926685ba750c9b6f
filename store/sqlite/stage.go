package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// How much one transaction of a stage holds.
const (
	stageRows  = 20_000
	stageBytes = 32 << 20
)

// stage is a new file beside the target, which it replaces in the end. Nobody
// else opens it, and nobody needs it after a crash, so that it has no journal.
type stage struct {
	*sqlstore.Loader
	s       *Store
	check   bool
	file    string
	db      *sql.DB
	conn    *sql.Conn // nil while no transaction is open
	inserts map[string]*sql.Stmt
	rows    int
	bytes   int
	release func() error
	done    bool
}

// Stage begins to fill the file.
func (s *Store) Stage(ctx context.Context, o store.StageOptions) (store.Staging, error) {
	g, err := s.stage(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("fill %s: %w", s.file, err)
	}
	return g, nil
}

func (s *Store) stage(ctx context.Context, o store.StageOptions) (_ *stage, err error) {
	if s.host != nil || s.file == "" {
		return nil, fmt.Errorf("the handle is the host's, which would go on with the file of before: open the file with Open: %w", store.ErrInvalid)
	}
	release, err := s.Own(ctx)
	if err != nil {
		return nil, err
	}
	g := &stage{s: s, check: o.Check, file: s.file + ".stage", inserts: map[string]*sql.Stmt{}, release: release}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Abort())
		}
	}()
	if err := vacant(ctx, s); err != nil {
		return nil, err
	}
	if err := g.sweep(); err != nil {
		return nil, err
	}
	return g, g.open(ctx, o.Schema)
}

// vacant answers store.ErrNotEmpty where somebody would lose something.
func vacant(ctx context.Context, s store.Store) error {
	users, err := s.Users().Count(ctx, 0, store.Query{})
	if err != nil {
		return err
	}
	projects, err := s.Projects().Count(ctx, 0, store.Query{})
	if err != nil {
		return err
	}
	runners, err := s.Runners().Count(ctx, store.AnyScope, store.Query{})
	if err != nil {
		return err
	}
	if users+projects+runners > 0 {
		return store.ErrNotEmpty
	}
	return nil
}

// sweep removes what is left of an earlier stage.
func (g *stage) sweep() error { return removeDatabase(g.file) }

// removeDatabase removes a file and those that SQLite puts beside it.
func removeDatabase(file string) error {
	for _, suffix := range []string{"-journal", "-wal", "-shm", ""} {
		if err := os.Remove(file + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove leftovers: %w", err)
		}
	}
	return nil
}

func (g *stage) open(ctx context.Context, version int64) (err error) {
	if err := makeFile(g.file); err != nil {
		return err
	}
	g.db, err = sql.Open("sqlite", dsn(g.file, "_pragma=journal_mode(OFF)", "_pragma=synchronous(OFF)",
		"_pragma=foreign_keys(0)", "_pragma=temp_store(MEMORY)", "_pragma=cache_size(-16000)"))
	if err != nil {
		return err
	}
	g.db.SetMaxOpenConns(1)
	if err := sqlstore.SQLite().To(ctx, g.db, version); err != nil {
		return fault(err)
	}
	g.Loader, err = sqlstore.NewLoader(ctx, g.db)
	return fault(err)
}

// Load stores a record.
func (g *stage) Load(ctx context.Context, r store.Record) error {
	row, err := g.Check(r)
	if err != nil || !row {
		return err
	}
	if err := g.insert(ctx, r); err != nil {
		return fmt.Errorf("load %s: %w", r.Table, err)
	}
	g.rows++
	for _, v := range r.Values {
		switch x := v.(type) {
		case string:
			g.bytes += len(x)
		case []byte:
			g.bytes += len(x)
		}
	}
	if g.rows >= stageRows || g.bytes >= stageBytes {
		return g.flush(ctx)
	}
	return nil
}

func (g *stage) insert(ctx context.Context, r store.Record) error {
	if g.conn == nil {
		conn, err := g.db.Conn(ctx)
		if err != nil {
			return fault(err)
		}
		g.conn = conn
		if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
			return fault(err)
		}
	}
	query := sqlstore.InsertText(r.Table, r.Columns)
	insert := g.inserts[query]
	if insert == nil {
		var err error
		if insert, err = g.conn.PrepareContext(ctx, query); err != nil {
			return fault(err)
		}
		g.inserts[query] = insert
	}
	_, err := insert.ExecContext(ctx, r.Values...)
	switch err = fault(err); {
	case errors.Is(err, sqlstore.ErrUnique):
		return &store.RecordError{Table: r.Table, ID: r.ID(), Reason: "is there already, or has a value that another row has and that has to be unique"}
	case isConstraint(err):
		return &store.RecordError{Table: r.Table, ID: r.ID(), Reason: "lacks a value that every row has"}
	}
	return err
}

// flush ends the transaction.
func (g *stage) flush(ctx context.Context) error {
	if g.conn == nil {
		return nil
	}
	g.rows, g.bytes = 0, 0
	var failed error
	for _, stmt := range g.inserts {
		failed = errors.Join(failed, stmt.Close())
	}
	clear(g.inserts)
	_, err := g.conn.ExecContext(ctx, "COMMIT")
	failed = errors.Join(failed, fault(err), g.conn.Close())
	g.conn = nil
	return failed
}

// Commit checks the file and puts it in the place of the target, and closes the
// store.
func (g *stage) Commit(ctx context.Context) error {
	if g.done {
		return fmt.Errorf("fill %s: it is committed or aborted already: %w", g.s.file, store.ErrInvalid)
	}
	if err := g.complete(ctx); err != nil {
		return fmt.Errorf("fill %s: %w", g.s.file, err)
	}
	if g.check {
		return nil
	}
	if err := g.s.Close(); err != nil {
		return fmt.Errorf("fill %s: %w", g.s.file, err)
	}
	if err := replaceFile(ctx, g.s.file, g.file, replacement{busy: g.s.busy, check: vacantFile}); err != nil {
		return fmt.Errorf("fill %s: %w", g.s.file, err)
	}
	return nil
}

// complete makes the file what it will be, and sees that it is on the disk.
func (g *stage) complete(ctx context.Context) error {
	if err := g.flush(ctx); err != nil {
		return err
	}
	if err := sqlstore.SQLite().To(ctx, g.db, 0); err != nil {
		return fault(err)
	}
	for table, last := range g.Sequences() {
		query := "UPDATE sqlite_sequence SET seq = $2 WHERE name = $1 AND seq < $2"
		insert := "INSERT INTO sqlite_sequence (name, seq) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)"
		for _, q := range []string{query, insert} {
			if _, err := g.db.ExecContext(ctx, q, table, last); err != nil {
				return fault(err)
			}
		}
	}
	if err := checkReferences(ctx, g.db); err != nil {
		return err
	}
	if err := wholeCheck(ctx, g.db, "quick_check"); err != nil {
		return err
	}
	err := g.db.Close()
	g.db = nil
	if err != nil {
		return fault(err)
	}
	return syncFile(g.file)
}

// Abort removes the file.
func (g *stage) Abort() error {
	if g.done {
		return nil
	}
	g.done = true
	var failed error
	if g.conn != nil {
		for _, stmt := range g.inserts {
			_ = stmt.Close()
		}
		_ = g.conn.Close()
	}
	if g.db != nil {
		failed = g.db.Close()
	}
	return errors.Join(failed, g.sweep(), g.release())
}

// checkReferences finds a row that refers to nothing.
func checkReferences(ctx context.Context, db *sql.DB) error {
	var bad store.RecordError
	var id, key sql.NullInt64
	query := "SELECT \"table\", rowid, fkid FROM pragma_foreign_key_check LIMIT 1"
	err := db.QueryRowContext(ctx, query).Scan(&bad.Table, &id, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fault(err)
	}
	bad.ID, bad.Reason = id.Int64, "refers to something that does not exist in its project"
	query = `SELECT "from" FROM pragma_foreign_key_list($1) WHERE id = $2 ORDER BY seq DESC LIMIT 1`
	if err := db.QueryRowContext(ctx, query, bad.Table, key.Int64).Scan(&bad.Column); err != nil {
		return errors.Join(&bad, fault(err))
	}
	return &bad
}
