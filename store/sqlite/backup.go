package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/internal/sqlstore"
)

// Copied tells of a copy of a database.
type Copied struct {
	Bytes  int64
	Schema int64 // number of the newest step by which its tables were made
	// Kept is where Restore has put what was there before, "" where nothing was.
	Kept string
	// Ended counts the tasks that Restore has ended.
	Ended int64
}

// RestoreOptions are those of [Restore].
type RestoreOptions struct {
	Config
	// GoOn leaves tasks that wait or run as they are, for a copy after which no
	// server has worked any more. Defaults to ending them: they may have run
	// since.
	GoOn bool
}

const partial = ".partial"

// Backup copies the database in a file to another one as it is at one moment,
// while servers and commands work with it: nobody waits for it. The copy has mode
// 0600, is checked from end to end, and on the disk, when it gets its name, which
// has to be free. What is in the database is not changed, nor brought up to date.
//
// While it lasts, what others write stays in the journal beside the file, which
// grows.
func Backup(ctx context.Context, path, to string, cfg Config) (Copied, error) {
	c, err := backup(ctx, path, to, cfg.withDefaults())
	if err != nil {
		return Copied{}, fmt.Errorf("back up %s: %w", path, err)
	}
	return c, nil
}

func backup(ctx context.Context, path, to string, cfg Config) (c Copied, err error) {
	from, err := existing(ctx, path)
	if err != nil {
		return c, err
	}
	if to, err = filepath.Abs(to); err != nil {
		return c, err
	}
	if err := free(to); err != nil {
		return c, err
	}
	if c, err = snapshot(ctx, dsn(from, busyPragma(cfg.BusyTimeout)), to+partial, nil); err != nil {
		return c, errors.Join(err, removeDatabase(to+partial))
	}
	if err := free(to); err != nil {
		return c, errors.Join(err, removeDatabase(to+partial))
	}
	return c, renameFile(to+partial, to)
}

// existing returns the absolute path of a database that is there and may be ours.
func existing(ctx context.Context, path string) (string, error) {
	file, err := resolve(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return "", fmt.Errorf("%s is no database: %w", file, store.ErrInvalid)
	}
	if err := checkForeignFile(ctx, file); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return file, nil
}

func free(file string) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: choose another name: %w", file, errors.Join(err, fs.ErrExist))
	}
	return nil
}

// snapshot copies a database into a new file, in one reading transaction, and
// checks the copy; check, which may be nil, looks at the source before.
func snapshot(ctx context.Context, from, to string, check func(context.Context, *sql.DB) error) (c Copied, err error) {
	if err := removeDatabase(to); err != nil {
		return c, err
	}
	if err := makeFile(to); err != nil { // so that it has our mode
		return c, err
	}
	db, err := sql.Open("sqlite", from)
	if err != nil {
		return c, err
	}
	db.SetMaxOpenConns(1)
	if check != nil {
		err = check(ctx, db)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "VACUUM INTO $1", to)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return c, fault(err)
	}
	if c, err = inspect(ctx, to); err != nil {
		return c, err
	}
	return c, syncFile(to)
}

// inspect reads a whole database that nobody writes.
func inspect(ctx context.Context, file string) (c Copied, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return c, err
	}
	c.Bytes = info.Size()
	db, err := sql.Open("sqlite", dsn(file, "mode=ro", "immutable=1"))
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := wholeCheck(ctx, db, "integrity_check"); err != nil {
		return c, err
	}
	m := sqlstore.SQLite()
	if c.Schema, err = m.Version(ctx, db); err != nil {
		return c, fault(err)
	}
	newest, err := m.Newest()
	switch {
	case err != nil:
		return c, err
	case c.Schema == 0:
		return c, fmt.Errorf("it is no database of this program: %w", store.ErrInvalid)
	case c.Schema > newest:
		return c, fmt.Errorf("version %d, known is %d: %w", c.Schema, newest, store.ErrNewer)
	}
	return c, checkReferences(ctx, db)
}

// Restore puts a copy of a database in the place of the one in a file, in one
// step, once all of it was checked. A server that works with that one is a
// *store.OwnedError, as is a command that has it open; a copy of a newer program
// is store.ErrNewer. What was there is kept beside it, with .before- and the time
// behind its name; it may be damaged. A database of Semaphore UI is store.ErrForeign
// and stays where it is. The copy stays where it is, and is brought
// up to date when the file is opened.
//
// What waits in the copy may have run after it was made, and nothing runs twice
// unasked: in the file it is ended, and messages that were to be sent are gone.
// Tasks that wait for a person still do.
func Restore(ctx context.Context, path, from string, o RestoreOptions) (Copied, error) {
	o.Config = o.withDefaults()
	c, err := restore(ctx, path, from, o)
	if err != nil {
		return Copied{}, fmt.Errorf("restore %s: %w", path, err)
	}
	return c, nil
}

func restore(ctx context.Context, path, from string, cfg RestoreOptions) (c Copied, err error) {
	if from, err = existing(ctx, from); err != nil {
		return c, err
	}
	target, err := resolve(path)
	if err != nil {
		return c, err
	}
	if os.SameFile(stat(target), stat(from)) {
		return c, fmt.Errorf("%s is the database itself: %w", from, store.ErrInvalid)
	}
	if info := stat(target); info != nil && info.Size() > 0 {
		// What cannot be read is broken, and kept aside.
		if err := checkForeignFile(ctx, target); errors.Is(err, store.ErrForeign) {
			return c, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return c, err
	}
	release, err := (&Store{file: target}).Own(ctx)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, release()) }()
	fresh := target + ".restore"
	source := dsn(from, "mode=ro", busyPragma(cfg.BusyTimeout))
	if info := stat(from + "-wal"); info == nil || info.Size() == 0 { // nothing has to be written beside it
		source = dsn(from, "mode=ro", "immutable=1")
	}
	defer func() { err = errors.Join(err, removeDatabase(fresh)) }()
	// Indexes are made anew in the copy: whether they were whole only the source tells.
	whole := func(ctx context.Context, db *sql.DB) error { return wholeCheck(ctx, db, "integrity_check") }
	if c, err = snapshot(ctx, source, fresh, whole); err != nil {
		return c, fmt.Errorf("read %s: %w", from, err)
	}
	if !cfg.GoOn {
		if c.Ended, err = settle(ctx, fresh, cfg.now()); err != nil {
			return c, err
		}
	}
	r := replacement{busy: cfg.BusyTimeout}
	if stat(target) != nil {
		r.keep = target + ".before-" + cfg.now().UTC().Format("20060102T150405Z")
		c.Kept = r.keep
		if err := free(r.keep); err != nil {
			return c, err
		}
	}
	return c, replaceFile(ctx, target, fresh, r)
}

func stat(file string) os.FileInfo {
	info, err := os.Stat(file)
	if err != nil {
		return nil
	}
	return info
}

func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
