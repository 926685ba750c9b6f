package foreign

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// snapshot is a transaction that shows one moment and cannot write.
func snapshot() *sql.TxOptions {
	return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
}

// openPostgres reads the tables in the search path of the account.
func openPostgres(ctx context.Context, u *url.URL) (*sqlDatabase, error) {
	d := &sqlDatabase{quote: `"`, list: "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))"}
	var err error
	address := *u
	address.Scheme = "postgres"
	if d.db, err = sql.Open("pgx", address.String()); err != nil {
		return nil, errors.New("the address cannot be used: as in postgres://account:password@host:5432/name?sslmode=require")
	}
	d.db.SetMaxOpenConns(1)
	if err := d.begin(ctx, snapshot()); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// openMySQL reads MySQL and MariaDB. Parameters of the URL are those of the
// driver, and socket for the path of a socket.
func openMySQL(ctx context.Context, u *url.URL) (*sqlDatabase, error) {
	cfg, err := mysqlConfig(u)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("the address cannot be used: as in mysql://account:password@host:3306/name")
	}
	d := &sqlDatabase{quote: "`", list: "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()", db: sql.OpenDB(connector)}
	d.db.SetMaxOpenConns(1)
	if err := d.begin(ctx, snapshot()); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func mysqlConfig(u *url.URL) (*mysql.Config, error) {
	cfg := mysql.NewConfig()
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	cfg.Net, cfg.Addr = "tcp", u.Host
	if u.Port() == "" {
		cfg.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	query := u.Query()
	if socket := query.Get("socket"); socket != "" {
		cfg.Net, cfg.Addr = "unix", socket
		query.Del("socket")
	}
	if len(query) > 0 {
		// The driver reads parameters from its own form of address only.
		address := cfg.FormatDSN()
		sign := "?"
		if strings.Contains(address[strings.LastIndexByte(address, '/'):], "?") {
			sign = "&"
		}
		full, err := mysql.ParseDSN(address + sign + query.Encode())
		if err != nil {
			return nil, fmt.Errorf("parameters of the address cannot be used: they are those of the MySQL driver, as tls=true")
		}
		cfg = full
	}
	cfg.ParseTime, cfg.InterpolateParams, cfg.MultiStatements = true, true, false
	cfg.Logger = &mysql.NopLogger{}
	return cfg, nil
}
