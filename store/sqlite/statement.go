package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// maxStatements bounds the statements that are kept.
const maxStatements = 300

// preparer is a *sql.DB or a *sql.Conn.
type preparer interface {
	sqlstore.Querier
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// statements keeps prepared statements: preparing one takes longer than running
// it.
type statements struct {
	preparer

	mu   sync.Mutex
	kept map[string]*sql.Stmt
}

func newStatements(p preparer) *statements {
	return &statements{preparer: p, kept: map[string]*sql.Stmt{}}
}

// get returns a statement that is kept, or nil when there are enough.
func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	stmt, ok := s.kept[query]
	full := len(s.kept) >= maxStatements
	s.mu.Unlock()
	if ok || full {
		return stmt, nil
	}
	stmt, err := s.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other, ok := s.kept[query]; ok { // prepared twice at once; nobody uses the second
		_ = stmt.Close()
		return other, nil
	}
	s.kept[query] = stmt
	return stmt, nil
}

// ExecContext runs a statement.
func (s *statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.get(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case stmt == nil:
		return s.preparer.ExecContext(ctx, query, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext runs a statement for its rows.
func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.get(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case stmt == nil:
		return s.preparer.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for query, stmt := range s.kept {
		_ = stmt.Close()
		delete(s.kept, query)
	}
}
