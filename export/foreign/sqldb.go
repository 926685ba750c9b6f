package foreign

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// sqlDatabase reads by SQL, in one transaction that shows one moment.
type sqlDatabase struct {
	db     *sql.DB
	tx     *sql.Tx
	quote  string // around names
	list   string // query for the names of tables
	orders map[string][]string
	known  map[string]bool
	after  func() error // releases what else is held
}

// begin starts the transaction and finds out which tables there are.
func (d *sqlDatabase) begin(ctx context.Context, o *sql.TxOptions) error {
	var err error
	// The transaction outlives Open; close ends it.
	if d.tx, err = d.db.BeginTx(context.WithoutCancel(ctx), o); err != nil {
		return err
	}
	d.orders = keys()
	rows, err := d.tx.QueryContext(ctx, d.list)
	if err != nil {
		return err
	}
	defer rows.Close()
	d.known = map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		d.known[strings.ToLower(name)] = true
	}
	return rows.Err()
}

func (d *sqlDatabase) tables(context.Context) (map[string]bool, error) { return d.known, nil }

func (d *sqlDatabase) name(s string) string { return d.quote + s + d.quote }

func (d *sqlDatabase) each(ctx context.Context, table string, f func(*row) error) error {
	if !d.known[table] {
		return nil
	}
	order := make([]string, len(d.orders[table]))
	for i, c := range d.orders[table] {
		order[i] = d.name(c)
	}
	query := "SELECT * FROM " + d.name(table) + " ORDER BY " + strings.Join(order, ", ") //nolint:gosec // names of our own list
	rows, err := d.tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	r := &row{index: make(map[string]int, len(columns)), values: make([]any, len(columns))}
	into := make([]any, len(columns))
	for i, c := range columns {
		r.index[strings.ToLower(c)] = i
		into[i] = &r.values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		r.mended = r.mended[:0]
		if err := f(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (d *sqlDatabase) close() error {
	var failed []error
	if d.tx != nil {
		if err := d.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
			failed = append(failed, fmt.Errorf("end reading: %w", err))
		}
		d.tx = nil
	}
	if d.db != nil {
		failed = append(failed, d.db.Close())
		d.db = nil
	}
	if d.after != nil {
		failed = append(failed, d.after())
		d.after = nil
	}
	return errors.Join(failed...)
}
