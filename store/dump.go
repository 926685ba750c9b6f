package store

import (
	"context"
	"fmt"
	"slices"
)

// Record is one row of one table as every SQL store has it.
type Record struct {
	// Table is its name in SQL, or [Sequences].
	Table string
	// Columns are names in SQL. Records of one table that follow each other share
	// the slice.
	Columns []string
	// Values are nil, int64, float64, bool, string or []byte: times are
	// milliseconds since 1970, JSON is a string.
	Values []any
}

// Sequences is the Table of records that are no rows: columns "name", a table,
// and "last", the highest id that was ever given there. So ids are never used
// again in another database either.
const Sequences = "sequence"

// NodeOptions begins the names of options in which servers write down that they
// are there. They say nothing anywhere else.
const NodeOptions = "node."

// SummonOptions begins the names of options in which is noted who was called to
// take a task. They say nothing anywhere else.
const SummonOptions = "summon."

// Value returns the value of a column, and whether there is one.
func (r Record) Value(column string) (any, bool) {
	i := slices.Index(r.Columns, column)
	if i < 0 || i >= len(r.Values) {
		return nil, false
	}
	return r.Values[i], true
}

// Set replaces the value of a column that the record has, and tells whether it
// has it.
func (r Record) Set(column string, v any) bool {
	i := slices.Index(r.Columns, column)
	if i < 0 || i >= len(r.Values) {
		return false
	}
	r.Values[i] = v
	return true
}

// ID returns the id of the row, 0 where the table has none.
func (r Record) ID() int64 {
	v, _ := r.Value("id")
	id, _ := v.(int64)
	return id
}

// DumpOptions say what to leave out. The zero value leaves nothing out.
type DumpOptions struct {
	NoEvents   bool
	NoTasks    bool // nor their output and what else belongs to them; Terraform states stay
	NoLogs     bool // output of tasks
	NoSessions bool // nor one-time codes
}

// Dumper is an optional interface of a Store that can be read out as a whole.
type Dumper interface {
	// Schema is the number of the newest step by which the tables were made. It
	// says which columns there are.
	Schema() int64
	// Dump calls f for each row of each table, as they all were at one moment,
	// whatever is written meanwhile; then for the [Sequences]. Rows come in the
	// order of their keys, and tables so that most references lead backwards, but
	// not all: some lead both ways. The record and what it holds are f's only until it
	// returns. One row at a time is in memory.
	//
	// An error of f ends the dump and is returned. A store that is written much
	// meanwhile keeps old versions of what was changed until the dump ends.
	Dump(ctx context.Context, o DumpOptions, f func(Record) error) error
}

// StageOptions say what will be loaded.
type StageOptions struct {
	// Schema is that of the records, as [Dumper] told it. Older ones are brought
	// up to date after all is loaded; a newer one is [ErrNewer], one that never
	// was [ErrInvalid]. Defaults to that of this program.
	Schema int64
	// Check only reads: the records are loaded and checked as they would be, in a
	// place of their own, and Commit does the rest of the checks and nothing else.
	Check bool
}

// Stager is an optional interface of a Store that can be filled from outside.
type Stager interface {
	// Stage begins to fill the store, which has to be empty: [ErrNotEmpty] where it
	// has users, projects or runners, [OwnedError] where a server works on it or
	// somebody else fills it. What an earlier one that was killed has left behind
	// is removed.
	Stage(ctx context.Context, o StageOptions) (Staging, error)
}

// Staging is what is being loaded. Nobody sees any of it before Commit, and all of
// it afterwards. One goroutine at a time may use it.
type Staging interface {
	// Record turns a row of this package, as User or Task, into a record of the
	// newest schema.
	Record(row any) (Record, error)
	// Load stores a record; rows keep their ids. The order does not matter: what
	// refers to what is checked in the end. Columns that are left out get their
	// defaults. It keeps nothing of the record. A record that does not fit is a
	// *[RecordError], of this call or, as rows go in bundles, of a later one.
	// After an error only Abort is left.
	Load(ctx context.Context, r Record) error
	// Lines makes output of a task, which is loaded apart, and returns the record
	// of it, to be loaded as others are. The first line has the number first; the
	// task's log_lines and log_bytes are the caller's to set.
	Lines(project, task, first int64, lines []LogLine) (Record, error)
	// Commit checks what refers to what, and shows all. Then the store has to be
	// closed and opened again. An error leaves the store as it was, unless it is
	// [ErrBusy]: then it may be either. Abort follows in any case.
	Commit(ctx context.Context) error
	// Abort removes what was not committed. It may be called again, and after
	// Commit.
	Abort() error
}

// RecordError tells which record cannot be stored. It is an [ErrInvalid], and
// never holds the value.
type RecordError struct {
	Table  string
	ID     int64  // 0 where it has none or is not known
	Column string // "" where it is not known
	Reason string
}

// Error names table, id and column.
func (e *RecordError) Error() string {
	text := e.Table
	if e.ID != 0 {
		text = fmt.Sprintf("%s %d", text, e.ID)
	}
	if e.Column != "" {
		text += ", " + e.Column
	}
	return text + ": " + e.Reason
}

// Is makes it an ErrInvalid.
func (e *RecordError) Is(target error) bool { return target == ErrInvalid }
