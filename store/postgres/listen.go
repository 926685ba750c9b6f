package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/alexandervashurin/semaphore/store"
)

// Pauses before a lost connection is made again.
const (
	relistenFirst = 100 * time.Millisecond
	relistenMost  = 5 * time.Second
)

// Listen calls f for the notices of all servers, this one too, until ctx ends,
// and returns its error. A lost connection is made again; what was told meanwhile
// stands in one notice of kind changed without a task. With PollOnly there are
// none.
func (s *Store) Listen(ctx context.Context, f func(store.Notice)) error {
	if s.cfg.PollOnly {
		<-ctx.Done()
		return ctx.Err()
	}
	again := false
	for pause := relistenFirst; ; pause = min(2*pause, relistenMost) {
		err := s.hear(ctx, f, func() {
			if again {
				f(store.Notice{Kind: "changed"})
			}
			again, pause = true, relistenFirst
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(fault(err), errEnded) || !errors.Is(fault(err), store.ErrBusy) {
			return fmt.Errorf("listen: %w", fault(err))
		}
		s.cfg.Log.Warn("listen to other servers: trying again", "error", err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// hear listens by one connection, which is thrown away afterwards: it would go
// on to be told.
func (s *Store) hear(ctx context.Context, f func(store.Notice), ready func()) (err error) {
	conn, err := s.side.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var fault error
	_ = conn.Raw(func(dc any) error {
		fault = func() error {
			c := dc.(*stdlib.Conn).Conn()
			if _, err := c.Exec(ctx, "LISTEN "+s.cfg.Schema); err != nil {
				return err
			}
			ready()
			for {
				n, err := c.WaitForNotification(ctx)
				if err != nil {
					return err
				}
				for _, notice := range decode(n.Payload) {
					f(notice)
				}
			}
		}()
		return driver.ErrBadConn
	})
	return fault
}
