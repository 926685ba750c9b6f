package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// versions asks SQLite whether the file was changed, by a connection of its own:
// the answer counts the commits of all others, in this process and elsewhere.
type versions struct {
	mu   sync.Mutex
	db   *sql.DB // nil where there is none
	conn *sql.Conn
	stmt *sql.Stmt
	gen  uint64 // of conn
}

// Version returns SQLite's data_version of the file. A store on the host's
// handle cannot tell, for it has no connection that nobody writes with.
func (s *Store) Version(ctx context.Context) (uint64, bool) { return s.versions.ask(ctx) }

func (v *versions) ask(ctx context.Context) (uint64, bool) {
	if v == nil {
		return 0, false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return 0, false
	}
	if v.stmt == nil && !v.open(ctx) {
		return 0, false
	}
	var n uint64
	if err := v.stmt.QueryRowContext(ctx).Scan(&n); err != nil {
		v.drop()
		return 0, false
	}
	return v.gen<<40 | n&(1<<40-1), true
}

func (v *versions) open(ctx context.Context) bool {
	v.gen++
	var err error
	if v.conn, err = v.db.Conn(ctx); err != nil {
		v.conn = nil
		return false
	}
	if v.stmt, err = v.conn.PrepareContext(ctx, "PRAGMA data_version"); err != nil {
		v.drop()
		return false
	}
	return true
}

// close ends it: from then on it cannot tell.
func (v *versions) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop()
	db := v.db
	v.db = nil
	return db.Close()
}

// drop gives the connection back. The numbers of another one mean something
// else, which its generation tells.
func (v *versions) drop() {
	if v.stmt != nil {
		_ = v.stmt.Close()
	}
	if v.conn != nil {
		_ = v.conn.Close()
	}
	v.stmt, v.conn = nil, nil
}
