package postgres

import (
	"context"
	"log/slog"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// OpenWithoutClaimLock opens a store that does not keep claims apart.
func OpenWithoutClaimLock(ctx context.Context, url string) (*Store, error) {
	s, err := Open(ctx, url, Config{})
	if err != nil {
		return nil, err
	}
	d := s.engine.dialect(s.cfg)
	d.ClaimLock = ""
	s.Store = sqlstore.New(s.engine, d, nil)
	return s, nil
}

// OpenWithoutRowLocks opens a store that locks no rows and lets functions given
// to InTx run side by side.
func OpenWithoutRowLocks(ctx context.Context, url string) (*Store, error) {
	s, err := Open(ctx, url, Config{})
	if err != nil {
		return nil, err
	}
	d := s.engine.dialect(s.cfg)
	d.RowLocks = false
	s.engine.alone, s.engine.turn = s.engine.begin, make(chan struct{}, 1000)
	s.Store = sqlstore.New(s.engine, d, nil)
	return s, nil
}

// Statements of the queue and of other places that have to stay fast.
var (
	Qualify = func(schema, query string) string { return newQualifier(schema).qualify(query) }
	Pattern = pattern
	Fault   = fault
	Decode  = decode
)

// Encode writes notices as payloads.
func Encode(list []store.Notice) (payloads []string) {
	for len(list) > 0 {
		payload, n := encode(list)
		payloads, list = append(payloads, payload), list[n:]
	}
	return payloads
}

// Notifier gathers and sends notices.
type Notifier struct{ n *notifier }

// NewNotifier returns one that sends so.
func NewNotifier(log *slog.Logger, send func(payload string) error) Notifier {
	return Notifier{newNotifier(log, send)}
}

// Add takes notices.
func (n Notifier) Add(list []store.Notice) { n.n.add(list) }

// Close sends what is left.
func (n Notifier) Close() { n.n.close() }

// MigrateLock is the statement by which a migration waits its turn.
func MigrateLock(schema string) string { return lockText(schema, migrateLock) }

// watched is an engine whose statements pass through something.
type watched struct {
	*engine
	wrap func(sqlstore.Querier) sqlstore.Querier
}

func (w watched) Reader() sqlstore.Querier { return w.in(w.wrap(w.db)) }

func (w watched) Write(ctx context.Context, m sqlstore.Mode, f func(ctx context.Context, q sqlstore.Querier) error) error {
	return w.engine.Write(ctx, m, func(ctx context.Context, q sqlstore.Querier) error {
		return f(ctx, w.in(w.wrap(q.(querier).Querier)))
	})
}

// Watch returns the store with all of its statements passing through wrap.
func Watch(s *Store, wrap func(sqlstore.Querier) sqlstore.Querier) store.Store {
	return sqlstore.New(watched{s.engine, wrap}, s.engine.dialect(s.cfg), nil)
}
