package foreign

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

const sqliteMagic = "SQLite format 3\x00"

// openSQLite reads a file without changing it or anything beside it. A plain
// one is read in place, under the shared lock of SQLite. One with a write-ahead
// log or a journal of somebody who was killed is copied first, for SQLite would
// write to look into it.
func openSQLite(ctx context.Context, file string) (_ *sqlDatabase, err error) {
	wal, err := walMode(file)
	if err != nil {
		return nil, err
	}
	d := &sqlDatabase{quote: `"`, list: "SELECT name FROM sqlite_master WHERE type = 'table'"}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	query := "?mode=ro"
	copied := wal || exists(file+"-journal")
	if copied {
		dir, err := os.MkdirTemp("", "semaphore-import-*")
		if err != nil {
			return nil, err
		}
		d.after = func() error { return os.RemoveAll(dir) }
		if file, err = copyDatabase(file, dir); err != nil {
			return nil, err
		}
		query = "?mode=rw"
	}
	if d.db, err = sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(file)}).EscapedPath()+query+"&_pragma=busy_timeout(2000)"); err != nil {
		return nil, err
	}
	d.db.SetMaxOpenConns(1)
	if copied {
		if err := quickCheck(ctx, d.db); err != nil {
			return nil, err
		}
	}
	if err := d.begin(ctx, &sql.TxOptions{ReadOnly: true}); err != nil {
		return nil, sqliteFault(err)
	}
	return d, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// walMode looks into the head of the file: bytes 18 and 19 are 2 with a
// write-ahead log.
func walMode(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 20)
	if _, err := io.ReadFull(f, head); err != nil || string(head[:16]) != sqliteMagic {
		return false, fmt.Errorf("%s is no SQLite file: %w", file, ErrNotInstallation)
	}
	return head[18] == 2 || head[19] == 2, nil
}

func copyDatabase(file, dir string) (string, error) {
	to := filepath.Join(dir, "old.db")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if err := copyFile(file+suffix, to+suffix); err != nil && (suffix == "" || !errors.Is(err, os.ErrNotExist)) {
			return "", fmt.Errorf("copy the old database aside: %w", err)
		}
	}
	return to, nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// quickCheck refuses a copy that was taken while somebody wrote.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var answer string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer); err != nil || answer != "ok" {
		return fmt.Errorf("the copy of the file is damaged: %w", errors.Join(ErrInUse, err))
	}
	return nil
}

func sqliteFault(err error) error {
	if text := err.Error(); strings.Contains(text, "SQLITE_BUSY") || strings.Contains(text, "locked") {
		return errors.Join(ErrInUse, err)
	}
	return err
}
