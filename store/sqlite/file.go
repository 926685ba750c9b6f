package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// prepareFile makes the file where there is none, and returns its absolute path.
// A foreign one is refused before anything is changed.
func prepareFile(ctx context.Context, path string, log *slog.Logger) (string, error) {
	if path == "" || path == ":memory:" {
		return "", fmt.Errorf("path %q is no file: give one, or use store/memory: %w", path, store.ErrInvalid)
	}
	file, err := resolve(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := makeFile(file); err != nil {
			return "", err
		}
		return resolve(file) // it may be a link that led to nothing yet
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no regular file: %w", file, store.ErrInvalid)
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		log.Warn("database can be read by others: chmod 600 it", "file", file, "mode", info.Mode().Perm().String())
	}
	if info.Size() == 0 {
		return file, nil
	}
	return file, checkForeignFile(ctx, file)
}

// resolve returns the absolute path of a file, without links where it exists:
// whatever they call it, all find its locks at one place, and what replaces it
// replaces the file and not the link.
func resolve(path string) (string, error) {
	file, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if found, err := filepath.EvalSymlinks(file); err == nil {
		return found, nil
	}
	return file, nil
}

func makeFile(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	// The files that SQLite puts beside it get the same mode.
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// checkForeignFile looks into a file without changing it or anything beside it:
// where no journal is waiting, nobody needs to know that it is read.
func checkForeignFile(ctx context.Context, file string) error {
	query := "mode=ro"
	if info, err := os.Stat(file + "-wal"); err != nil || info.Size() == 0 {
		query += "&immutable=1"
	}
	err := checkForeignDSN(ctx, dsn(file, query))
	if err != nil && !errors.Is(err, store.ErrForeign) && ctx.Err() == nil {
		// Somebody else is writing it at this moment.
		err = checkForeignDSN(ctx, dsn(file, "mode=ro", busyPragma(time.Second)))
	}
	return err
}

func checkForeignDSN(ctx context.Context, dsn string) (err error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return checkForeign(ctx, db)
}

// checkForeign refuses a database of Semaphore UI. Its list of migrations may be
// of another form, or lost: then tables tell that no version of it lacks, and
// which have names that ours never have.
func checkForeign(ctx context.Context, db *sql.DB) error {
	var foreign bool
	query := `SELECT (SELECT count(*) FROM pragma_table_info('migrations') WHERE name IN ('version', 'upgraded_date')) = 2
		OR EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name IN ('project__template', 'project__repository', 'task__output'))`
	if err := db.QueryRowContext(ctx, query).Scan(&foreign); err != nil {
		return fault(err)
	}
	if foreign {
		return store.ErrForeign
	}
	return nil
}

// dsn names a file to the driver.
func dsn(file string, params ...string) string {
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String() + "?" + strings.Join(params, "&")
}

// busyPragma comes first: the others may have to wait for other processes.
func busyPragma(patience time.Duration) string {
	return fmt.Sprintf("_pragma=busy_timeout(%d)", patience.Milliseconds())
}

func writerDSN(file string, patience time.Duration) string {
	return dsn(file, "_txlock=immediate", busyPragma(patience), "_pragma=journal_mode(WAL)", "_pragma=synchronous(NORMAL)",
		"_pragma=foreign_keys(1)", "_pragma=temp_store(MEMORY)", "_pragma=cache_size(-8000)", "_pragma=journal_size_limit(67108864)")
}

func readerDSN(file string, patience time.Duration) string {
	return dsn(file, busyPragma(patience), "_pragma=query_only(1)", "_pragma=temp_store(MEMORY)", "_pragma=cache_size(-1000)")
}
