package foreign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
)

// Source says where an installation is.
type Source struct {
	// Place is the path of a SQLite or BoltDB file, or a URL: sqlite:, bolt:,
	// postgres: or mysql:, as mysql://account:password@host:3306/semaphore.
	Place string
	// Dialect is sqlite, bolt, postgres or mysql. Defaults to what Place tells, of
	// a file to what is in it.
	Dialect string
	// Keys open its secrets: access_key_encryption of its configuration, and older
	// ones. Defaults to none, which opens those of an installation without a key.
	Keys []crypto.Key
}

// Installation is an old installation that is open for reading. It is for one
// goroutine at a time.
type Installation struct {
	db     database
	origin Origin
	ring   *crypto.Ring // of the old secrets
	keyed  bool
}

// Open opens an installation for reading. Errors are [ErrNotInstallation],
// [ErrTooOld], [ErrInUse] and *[ReadError], which never holds a password.
func Open(ctx context.Context, s Source) (*Installation, error) {
	i := &Installation{keyed: len(s.Keys) > 0}
	keys := s.Keys
	if !i.keyed {
		keys = []crypto.Key{crypto.GenerateKey()} // opens nothing, beside what needs no key
	}
	var err error
	if i.ring, err = crypto.NewRing(keys[0], keys[1:]...); err != nil {
		return nil, fmt.Errorf("keys of the old installation: %w", err)
	}
	if i.db, i.origin, err = openDatabase(ctx, s); err != nil {
		return nil, err
	}
	if err := i.identify(ctx); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

// Close ends reading. It may be called again.
func (i *Installation) Close() error { return i.db.close() }

// Origin tells what was opened.
func (i *Installation) Origin() Origin { return i.origin }

// identify finds out whether it is what it should be, and of which version.
func (i *Installation) identify(ctx context.Context) error {
	tables, err := i.db.tables(ctx)
	if err != nil {
		return i.fault("", err)
	}
	if !tables["user"] || !tables["project"] || i.origin.Dialect != "bolt" && !tables["migrations"] {
		return i.fault("", ErrNotInstallation)
	}
	if i.origin.Version, err = newest(ctx, i.db); err != nil {
		return i.fault("migrations", err)
	}
	if i.origin.Dialect != "bolt" && older(i.origin.Version, "2.15.0") {
		return i.fault("", ErrTooOld)
	}
	return nil
}

func (i *Installation) fault(table string, err error) error {
	return &ReadError{Place: i.origin.Place, Table: table, Err: err}
}

// identity names the installation in the target, so that it is not imported
// twice.
func (i *Installation) identity() string {
	sum := sha256.Sum256([]byte(i.origin.Dialect + " " + i.origin.Place))
	return hex.EncodeToString(sum[:16])
}

// openDatabase opens what the source names.
func openDatabase(ctx context.Context, s Source) (database, Origin, error) {
	dialect, place, address, err := locate(s)
	if err != nil {
		return nil, Origin{}, err
	}
	o := Origin{Dialect: dialect, Place: place}
	var db database
	switch dialect {
	case "sqlite":
		db, err = openSQLite(ctx, place)
	case "bolt":
		db, err = openBolt(ctx, place)
	case "postgres":
		db, err = openPostgres(ctx, address)
	case "mysql":
		db, err = openMySQL(ctx, address)
	default:
		err = fmt.Errorf("dialect %q: use sqlite, bolt, postgres or mysql", dialect)
	}
	if err != nil {
		return nil, o, &ReadError{Place: place, Err: err}
	}
	return db, o, nil
}

// locate tells dialect, what may be shown of the place, and the address with
// its password.
func locate(s Source) (dialect, place string, address *url.URL, err error) {
	dialect = s.Dialect
	if scheme, rest, ok := strings.Cut(s.Place, ":"); ok && len(scheme) > 1 && !strings.ContainsAny(scheme, `/\.`) {
		u, err := url.Parse(s.Place)
		if err != nil { // its text would show the password
			return "", "", nil, errors.New("the address of the old database is no URL: as in postgres://account:password@host:5432/name, special characters as %XX")
		}
		switch scheme {
		case "postgresql":
			scheme = "postgres"
		case "mariadb":
			scheme = "mysql"
		case "file":
			scheme = dialect
		case "boltdb":
			scheme = "bolt"
		}
		if dialect != "" && dialect != scheme {
			return "", "", nil, fmt.Errorf("the address says %s, the dialect is %s: give one of them", scheme, dialect)
		}
		dialect = scheme
		if dialect == "postgres" || dialect == "mysql" {
			shown := url.URL{Scheme: dialect, Host: u.Host, Path: u.Path}
			if socket := u.Query().Get("socket"); socket != "" {
				shown.RawQuery = url.Values{"socket": {socket}}.Encode()
			}
			return dialect, shown.String(), u, nil
		}
		path := u.Path
		if u.Opaque != "" {
			if path, err = url.PathUnescape(u.Opaque); err != nil {
				path = rest
			}
		}
		s.Place = path
	}
	if s.Place == "" {
		return "", "", nil, errors.New("no database is named: give the path of a file or a URL")
	}
	if place, err = filepath.Abs(s.Place); err != nil {
		return "", "", nil, err
	}
	if dialect == "postgres" || dialect == "mysql" {
		return "", "", nil, fmt.Errorf("a database of %s is named by a URL: as in %s://account:password@host/name", dialect, dialect)
	}
	if dialect == "" {
		if dialect, err = dialectOf(place); err != nil {
			return "", "", nil, &ReadError{Place: place, Err: err}
		}
	}
	if _, err := os.Stat(place); err != nil { // what is opened may be made, where it is not there
		return "", "", nil, &ReadError{Place: place, Err: err}
	}
	return dialect, place, nil, nil
}

// dialectOf looks into a file.
func dialectOf(file string) (string, error) {
	_, err := walMode(file)
	switch {
	case err == nil:
		return "sqlite", nil
	case errors.Is(err, ErrNotInstallation):
		return "bolt", nil // which opens it, or tells that it is none
	}
	return "", err
}
