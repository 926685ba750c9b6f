package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// Codes of errors.
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	lockNotAvailable    = "55P03"
	diskFull            = "53100"
	untranslatable      = "22P05"
	notInRepertoire     = "22021"
	queryCanceled       = "57014"
	readOnly            = "25006" // a standby, in the middle of a failover
	idleInTransaction   = "25P03"
	serialization       = "40001"
	deadlock            = "40P01"
)

// busyClasses are of a connection, of resources, and of somebody who stops or
// starts the server.
var busyClasses = []string{"08", "53", "57"}

var errEnded = errors.New("transaction has ended: use its store only inside InTx")

// fault maps errors by their code.
func fault(err error) error {
	var e *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, store.ErrBusy), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone):
		return errEnded
	case errors.As(err, &e):
		return byCode(e.Code, err)
	case lost(err):
		return fmt.Errorf("%w: %w", store.ErrBusy, err)
	}
	return err
}

func byCode(code string, err error) error {
	kind := error(nil)
	switch code {
	case uniqueViolation:
		kind = sqlstore.ErrUnique
	case foreignKeyViolation:
		kind = sqlstore.ErrForeignKey
	case diskFull:
		kind = store.ErrFull
	case untranslatable, notInRepertoire:
		kind = store.ErrInvalid
	case lockNotAvailable, readOnly, idleInTransaction, serialization, deadlock:
		kind = store.ErrBusy
	default:
		for _, class := range busyClasses {
			if strings.HasPrefix(code, class) {
				kind = store.ErrBusy
			}
		}
	}
	if kind == nil {
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// lost tells whether an error is that of a connection.
func lost(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// unreached names the cure where no connection was made at all.
func unreached(cfg *pgx.ConnConfig, err error) error {
	var dial *net.OpError
	if !errors.As(err, &dial) || dial.Op != "dial" {
		return err
	}
	return fmt.Errorf("nothing answers at %s, port %d (%w): start PostgreSQL there, or correct the address: %w",
		cfg.Host, cfg.Port, dial.Err, store.ErrBusy)
}

// hasCode tells whether the database has answered so.
func hasCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}
