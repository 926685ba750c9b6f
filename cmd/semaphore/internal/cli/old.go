package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// oldTmpPath is where Semaphore UI has its checkouts unless it is told
// otherwise.
const oldTmpPath = "/tmp/semaphore"

// oldSource says where the database of an old installation is, and with which
// keys its secrets are sealed. From takes the place of what the configuration
// says.
func oldSource(cfg *config.Config, from string) (foreign.Source, error) {
	s := foreign.Source{Place: from}
	if from == "" {
		var err error
		if s, err = configuredSource(cfg); err != nil {
			return s, err
		}
	}
	texts := append([]config.Secret{cfg.AccessKeyEncryption}, cfg.OldAccessKeyEncryption...)
	for _, text := range texts {
		if text.Empty() {
			continue
		}
		key, err := crypto.ParseKey(text.Reveal())
		if err != nil {
			return s, fmt.Errorf("access_key_encryption of the old configuration: %w", err)
		}
		s.Keys = append(s.Keys, key)
	}
	return s, nil
}

func configuredSource(cfg *config.Config) (foreign.Source, error) {
	s := foreign.Source{Dialect: cfg.Dialect}
	switch cfg.Dialect {
	case "postgres":
		address, err := cfg.StoreURL()
		s.Place = address
		return s, err
	case "mysql":
		s.Place = mysqlURL(cfg)
	case "bolt":
		s.Place = cfg.Bolt.Host
	default:
		s.Place = cfg.SQLite.Host
	}
	if s.Place == "" || s.Place == "0.0.0.0" {
		return s, usage("the configuration names no old database: give the configuration of Semaphore UI in --config, or the database in --from")
	}
	return s, nil
}

func mysqlURL(cfg *config.Config) string {
	db := cfg.MySQL
	name := db.Name
	if name == "" {
		name = "semaphore"
	}
	u := url.URL{Scheme: "mysql", User: url.UserPassword(db.User, db.Pass.Reveal()), Path: "/" + name}
	query := url.Values{}
	for k, v := range db.Options {
		query.Set(k, v.Reveal())
	}
	switch {
	case strings.HasPrefix(db.Host, "/"):
		query.Set("socket", db.Host)
	case cfg.Container.DBPort != "" && !strings.Contains(db.Host, ":"):
		u.Host = net.JoinHostPort(db.Host, cfg.Container.DBPort)
	default:
		u.Host = db.Host
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// oldCheckouts is where the old server has its checkouts.
func oldCheckouts(cfg *config.Config, report config.Report) string {
	if report.Source("tmp_path") == config.SourceDefault {
		return oldTmpPath
	}
	return filepath.Clean(cfg.TmpPath)
}

// refuseUnmoved is an error for a server that would begin anew in a PostgreSQL
// database that holds an installation of Semaphore UI: our tables are in a schema
// of their own beside it, so that nothing else stops who has only replaced the
// program, and finds no projects. Once there is a user, an import or setup has
// made up its mind.
func refuseUnmoved(ctx context.Context, cfg *config.Config, st store.Store) error {
	if cfg.Dialect != "postgres" {
		return nil
	}
	users, err := st.Users().Count(ctx, 0, store.Query{})
	if err != nil || users > 0 {
		return err
	}
	source, err := configuredSource(cfg)
	if err != nil {
		return err
	}
	i, err := foreign.Open(ctx, source)
	switch {
	case err == nil:
		err = i.Close()
	case !errors.Is(err, foreign.ErrTooOld):
		return nil // it is none, or none that this account may read
	default:
		err = nil
	}
	return errors.Join(errors.New("the database holds an installation of Semaphore UI: bring it over with import-semaphore, or give this server a database of its own"), err)
}
