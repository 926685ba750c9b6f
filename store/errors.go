package store

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers branch on.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("conflict")
	ErrInvalid  = errors.New("invalid")
	ErrInUse    = errors.New("in use")

	// ErrState tells that a task is not in a state in which that can be done.
	ErrState = errors.New("task is in another state")
	// ErrLease tells that a lease is not valid any more: the task has ended, or
	// another attempt has it. What came with it was kept as a late result.
	ErrLease = errors.New("lease is not valid any more")
	// ErrMoved tells that a compare-and-set found another value.
	ErrMoved = errors.New("changed meanwhile")
	// ErrBusy tells that the database could not be reached or was locked for too
	// long. Trying again may help.
	ErrBusy = errors.New("database is busy")
	// ErrFull tells that there is no room left on the disk.
	ErrFull = errors.New("no space left for the database")
	// ErrNotEmpty tells that a database that is to be filled holds something.
	ErrNotEmpty = errors.New("database holds users, projects or runners already: name a new one")
	// ErrNewer tells that a newer program has migrated the database.
	ErrNewer = errors.New("database is newer than this program: update the program")
	// ErrForeign tells that the database belongs to Semaphore UI, which is never
	// written.
	ErrForeign = errors.New("database belongs to Semaphore UI: read it with import-semaphore")
)

// ConflictError tells which value has to be unique. It is an [ErrConflict].
type ConflictError struct {
	Table  string
	Column string
}

// Error names the column.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %s is taken already: choose another one", e.Table, e.Column)
}

// Is makes it an ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// ReferenceError tells which reference of a row leads nowhere. It is an
// [ErrInvalid].
type ReferenceError struct {
	Table  string
	Column string // "" where the database does not tell
}

// Error names the column.
func (e *ReferenceError) Error() string {
	if e.Column == "" {
		return e.Table + ": refers to something that does not exist in this project"
	}
	return fmt.Sprintf("%s: %s refers to something that does not exist in this project", e.Table, e.Column)
}

// Is makes it an ErrInvalid.
func (e *ReferenceError) Is(target error) bool { return target == ErrInvalid }

// InUseError tells who needs a row that was to be deleted. It is an [ErrInUse].
type InUseError struct {
	Table      string
	References References
}

// Error names the kinds that refer to the row.
func (e *InUseError) Error() string {
	return fmt.Sprintf("%s is used by %s", e.Table, strings.Join(e.References.kinds(), ", "))
}

// Is makes it an ErrInUse.
func (e *InUseError) Is(target error) bool { return target == ErrInUse }

// QueryError tells what of a Query cannot be answered. It is an [ErrInvalid].
type QueryError struct{ Reason string }

// Error returns the reason.
func (e *QueryError) Error() string { return "query: " + e.Reason }

// Is makes it an ErrInvalid.
func (e *QueryError) Is(target error) bool { return target == ErrInvalid }

// OwnedError tells which process holds a store.
type OwnedError struct {
	File string
	PID  int // 0 where it is not known
}

// Error names process and file.
func (e *OwnedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is in use by another process: stop that one first", e.File)
	}
	return fmt.Sprintf("%s is in use by process %d: stop that one first", e.File, e.PID)
}
