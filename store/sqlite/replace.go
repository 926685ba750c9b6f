package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// replacement says how a database file is put in the place of another.
type replacement struct {
	busy  time.Duration
	keep  string                                      // where the old one is copied to, "" for nowhere
	check func(ctx context.Context, db *sql.DB) error // looks at the old one once nobody else can write it; may be nil
}

// spoiled is written over the beginning of a file that was replaced: a program
// that opened it a moment before, and waits for its lock, would else write into
// what nobody can find any more, and into the journal of its successor.
const spoiled = "this database was replaced: open it again\n"

// replaceFile puts a database that is complete, and has no journal, in the place
// of another one, in a moment, once nobody has the other one open. A crash leaves
// one of the two there.
func replaceFile(ctx context.Context, target, fresh string, r replacement) (err error) {
	old, err := os.OpenFile(target, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return renameFile(fresh, target)
	}
	if err != nil {
		return err
	}
	// A file that is closed takes all locks of the process along, SQLite's too: so
	// it is the last one.
	closeOld := func() error { return old.Close() }
	db, err := sql.Open("sqlite", dsn(target, busyPragma(r.busy), "_pragma=locking_mode(EXCLUSIVE)"))
	if err != nil {
		return errors.Join(err, closeOld())
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close(), closeOld()) }()
	if err := isolate(ctx, db, target); err != nil {
		if r.keep != "" && unreadable(err) {
			return replaceBroken(target, fresh, r.keep)
		}
		return err
	}
	if r.check != nil {
		if err := r.check(ctx, db); err != nil {
			return err
		}
	}
	if r.keep != "" {
		if err := copyFile(old, r.keep); err != nil {
			return err
		}
	}
	if runtime.GOOS == "windows" { // which renames nothing over a file that is open
		if err := errors.Join(db.Close(), old.Close()); err != nil {
			return err
		}
		closeOld = func() error { return nil }
		return renameFile(fresh, target)
	}
	if err := renameFile(fresh, target); err != nil {
		return err
	}
	_, err = old.WriteAt([]byte(spoiled), 0)
	if err != nil {
		return fmt.Errorf("the database is replaced, but programs that still have the old one open do not know: %w", err)
	}
	return nil
}

// isolate makes this the only connection to a file, which keeps its lock, and
// moves all that is in its journal into it. SQLite leaves the WAL only when
// nobody else is there.
func isolate(ctx context.Context, db *sql.DB, target string) error {
	var mode string
	err := fault(db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode))
	if errors.Is(err, store.ErrBusy) || err == nil && !strings.EqualFold(mode, "delete") {
		return &store.OwnedError{File: target}
	}
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE; ROLLBACK"); err != nil { // the lock stays
		if err = fault(err); errors.Is(err, store.ErrBusy) {
			return &store.OwnedError{File: target}
		}
		return err
	}
	return nil
}

// replaceBroken puts a database in the place of one that SQLite cannot read, and
// which it therefore cannot lock either.
func replaceBroken(target, fresh, keep string) error {
	if err := os.Link(target, keep); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-journal"} { // they must not be taken for those of the new one
		if err := os.Rename(target+suffix, keep+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(target + "-shm"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return renameFile(fresh, target)
}

// vacantFile is vacant for a file that no store is open on.
func vacantFile(ctx context.Context, db *sql.DB) error {
	var taken bool
	query := "SELECT EXISTS (SELECT 1 FROM app_user) OR EXISTS (SELECT 1 FROM project) OR EXISTS (SELECT 1 FROM runner)"
	if err := db.QueryRowContext(ctx, query).Scan(&taken); err != nil {
		return fault(err)
	}
	if taken {
		return store.ErrNotEmpty
	}
	return nil
}

// wholeCheck reads a whole database, by a pragma that says ok in the end.
func wholeCheck(ctx context.Context, db *sql.DB, pragma string) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA "+pragma+"(1)").Scan(&found); err != nil {
		return fault(err)
	}
	if found != "ok" {
		return fmt.Errorf("the database is damaged: %s: %w", found, store.ErrInvalid)
	}
	return nil
}

func renameFile(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// copyFile copies a file that is open into a new one.
func copyFile(from *os.File, to string) error {
	f, err := os.OpenFile(to+partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(from, 0, 1<<62))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(to+partial))
	}
	return renameFile(to+partial, to)
}

// syncFile sees that what was written by somebody else is on the disk.
func syncFile(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir sees that a name is on the disk. Windows has no such thing.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
