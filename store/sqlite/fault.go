package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// dialect is how SQLite speaks.
var dialect = sqlstore.Dialect{Fault: fault, IDs: ids, Contains: contains, Pattern: pattern}

// fault maps errors by their code.
func fault(err error) error {
	var e *driver.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY, codes.SQLITE_CONSTRAINT_ROWID:
		return fmt.Errorf("%w: %w", sqlstore.ErrUnique, err)
	case codes.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%w: %w", sqlstore.ErrForeignKey, err)
	case codes.SQLITE_IOERR_SHMSIZE: // the shared memory beside the file has no room
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	switch e.Code() & 0xff {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", store.ErrBusy, err)
	case codes.SQLITE_FULL:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}

// isConstraint tells whether a row was refused for what is in it.
func isConstraint(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == codes.SQLITE_CONSTRAINT
}

func ids(placeholder string) string { return "SELECT value FROM json_each(" + placeholder + ")" }

// unreadable tells whether SQLite finds that a file is none of its own, or broken.
func unreadable(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && (e.Code()&0xff == codes.SQLITE_NOTADB || e.Code()&0xff == codes.SQLITE_CORRUPT)
}

// contains matches by GLOB: LIKE knows letters of either case in ASCII only.
func contains(column, placeholder string) string { return column + " GLOB " + placeholder }

// pattern lists for each letter all its cases, and takes other characters as
// they are.
func pattern(text string) string {
	var b strings.Builder
	b.WriteByte('*')
	for _, r := range text {
		switch folded := unicode.SimpleFold(r); {
		case strings.ContainsRune("*?[", r):
			b.WriteString("[" + string(r) + "]")
		case folded == r:
			b.WriteRune(r)
		default:
			b.WriteString("[" + string(r))
			for ; folded != r; folded = unicode.SimpleFold(folded) {
				b.WriteRune(folded)
			}
			b.WriteByte(']')
		}
	}
	b.WriteByte('*')
	return b.String()
}
