package postgres

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alexandervashurin/semaphore/store"
)

const connectTimeout = 5 * time.Second

// parse reads a URL, and what of it is ours into cfg. Its errors do not repeat
// the URL, which may hold a password.
func parse(address string, cfg *Config) (*pgx.ConnConfig, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, fmt.Errorf("the URL cannot be read: use postgres://user:password@host:5432/database: %w", store.ErrInvalid)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the parameters of the URL cannot be read: write & between them, and other signs as %%XX: %w", store.ErrInvalid)
	}
	if err := ours(query, cfg); err != nil {
		return nil, err
	}
	u.RawQuery = query.Encode()
	conn, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("a parameter of the URL is wrong, such as sslmode or a certificate's file: %w", store.ErrInvalid)
	}
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "semaphore"
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
	}
	if cfg.PollOnly && !query.Has("default_query_exec_mode") {
		conn.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	// A server that is gone is noticed in seconds, not in the system's hours.
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         dialControl,
	}
	conn.DialFunc = dialer.DialContext
	return conn, nil
}

// ours takes the parameters that the database does not know.
func ours(query url.Values, cfg *Config) error {
	for name, set := range map[string]func(value string) error{
		"schema":    func(v string) error { cfg.Schema = v; return nil },
		"max_conns": func(v string) (err error) { cfg.MaxConns, err = strconv.Atoi(v); return err },
		"poll_only": func(v string) (err error) { cfg.PollOnly, err = strconv.ParseBool(v); return err },
	} {
		if !query.Has(name) {
			continue
		}
		if err := set(strings.TrimSpace(query.Get(name))); err != nil {
			return fmt.Errorf("parameter %s of the URL cannot be read: %w", name, store.ErrInvalid)
		}
		query.Del(name)
	}
	return nil
}
