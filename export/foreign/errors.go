package foreign

import (
	"errors"
	"fmt"
)

// Errors that callers branch on.
var (
	// ErrNotInstallation tells that the database is none of Semaphore UI.
	ErrNotInstallation = errors.New("this is no database of Semaphore UI: name its file or URL")
	// ErrTooOld tells that the tables are older than those of Semaphore UI 2.15.
	ErrTooOld = errors.New("the database is older than Semaphore UI 2.15: start Semaphore UI 2.15 or later with it once, which brings it up to date")
	// ErrInUse tells that somebody is writing the old database.
	ErrInUse = errors.New("the old database is in use: stop Semaphore UI first")
	// ErrOther tells that the target was filled from another installation.
	ErrOther = errors.New("the target holds another installation already: name a new database")
	// ErrUnfit tells that the target cannot be filled as a whole.
	ErrUnfit = errors.New("the target store cannot be filled as a whole: use SQLite or PostgreSQL")
)

// ReadError tells which table of the old database could not be read.
type ReadError struct {
	Place string // of the database, without password
	Table string
	Err   error
}

// Error names place and table.
func (e *ReadError) Error() string {
	if e.Table == "" {
		return fmt.Sprintf("read %s: %v", e.Place, e.Err)
	}
	return fmt.Sprintf("read table %s of %s: %v", e.Table, e.Place, e.Err)
}

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.Err }
