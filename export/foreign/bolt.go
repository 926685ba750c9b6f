package foreign

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// boltPatience is how long a file is awaited that somebody has open.
const boltPatience = 2 * time.Second

// boltDatabase reads a BoltDB file: a bucket per table, or per table and the row
// that owns its rows, whose number ends the name; a JSON object per row, with
// the names of the columns.
type boltDatabase struct {
	db      *bolt.DB
	tx      *bolt.Tx
	buckets map[string][]boltBucket
	ids     *renumbering
}

// boltBucket holds rows of one table.
type boltBucket struct {
	name  []byte
	owner string // number that ends the name, "" for none
}

// openBolt opens a file for reading, which takes a shared lock and writes
// nothing.
func openBolt(ctx context.Context, file string) (_ *boltDatabase, err error) {
	d := &boltDatabase{buckets: map[string][]boltBucket{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	defer guard(&err)()
	if err := boltHead(file); err != nil {
		return nil, err
	}
	d.db, err = bolt.Open(file, 0o600, &bolt.Options{ReadOnly: true, Timeout: boltPatience})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrInUse
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, ErrNotInstallation
	case err != nil:
		return nil, err
	}
	if d.tx, err = d.db.Begin(false); err != nil {
		return nil, err
	}
	if info, err := os.Stat(file); err != nil || info.Size() < d.tx.Size() {
		return nil, errors.Join(errors.New("the file is damaged: its end is missing"), err)
	}
	tables := make([]string, 0, len(keys()))
	for name := range keys() {
		tables = append(tables, name)
	}
	err = d.tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
		if table, owner := bucketTable(string(name), tables); table != "" {
			d.buckets[table] = append(d.buckets[table], boltBucket{bytes.Clone(name), owner})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.ids, err = renumber(ctx, d)
	return d, err
}

// guard makes an error of what bbolt does with a damaged file: it trusts its
// pages, and panics or reads memory that is not there.
func guard(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			*err = fmt.Errorf("the file is damaged: %v", r)
		}
	}
}

// boltHead looks for the mark of BoltDB behind the head of the first page, for an
// empty file would be made a database.
func boltHead(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 20)
	if _, err := io.ReadFull(f, head); err != nil || binary.NativeEndian.Uint32(head[16:]) != 0xED0CDAED {
		return ErrNotInstallation
	}
	return nil
}

// bucketTable tells which table a bucket belongs to, and what number ends its
// name.
func bucketTable(name string, tables []string) (table, owner string) {
	if slices.Contains(tables, name) {
		return name, ""
	}
	best := ""
	for _, t := range tables {
		rest, ok := strings.CutPrefix(name, t+"_")
		if ok && rest != "" && strings.Trim(rest, "0123456789_") == "" && len(t) > len(best) {
			best = t
		}
	}
	if best == "" {
		return "", ""
	}
	rest := strings.TrimLeft(name[len(best):], "_0")
	return best, rest[strings.LastIndexByte(rest, '_')+1:]
}

func (d *boltDatabase) tables(context.Context) (map[string]bool, error) {
	there := map[string]bool{}
	for name := range d.buckets {
		there[name] = true
	}
	return there, nil
}

func (d *boltDatabase) each(ctx context.Context, table string, f func(*row) error) error {
	return d.raw(ctx, table, func(r *row) error {
		d.ids.apply(table, r)
		return f(r)
	})
}

// raw calls f with the rows as they stand there.
func (d *boltDatabase) raw(ctx context.Context, table string, f func(*row) error) (err error) {
	defer guard(&err)()
	for _, b := range d.buckets[table] {
		bucket := d.tx.Bucket(b.name)
		if bucket == nil {
			continue
		}
		err := bucket.ForEach(func(key, value []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r := boltRow(table, b.owner, key, value)
			if r == nil {
				return nil
			}
			return f(r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ownerColumns are the columns that the number at the end of a bucket's name
// stands for, of tables whose rows may not say so themselves.
func ownerColumn(table string) string {
	switch table {
	case "task__output", "task__stage", "task__stage_result", "task__ansible_host", "task__ansible_error":
		return "task_id"
	case "user__token", "user__totp":
		return "user_id"
	case "project__integration_matcher", "project__integration_extract_value":
		return "integration_id"
	case "project", "user", "option", "role", "migrations":
		return ""
	}
	return "project_id"
}

// boltRow decodes a row; nil for what is none.
func boltRow(table, owner string, key, value []byte) *row {
	var members map[string]any
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	if dec.Decode(&members) != nil || members == nil {
		if table != "option" {
			return nil
		}
		members = map[string]any{"key": string(key), "value": string(value)}
	}
	r := &row{index: make(map[string]int, len(members)+1)}
	set := func(name string, v any) {
		r.index[name] = len(r.values)
		r.values = append(r.values, v)
	}
	for name, v := range members {
		set(strings.ToLower(name), v)
	}
	if column := ownerColumn(table); owner != "" && column != "" && r.value(column) == nil {
		if i, ok := r.index[column]; ok {
			r.values[i] = owner
		} else {
			set(column, owner)
		}
	}
	return r
}

func (d *boltDatabase) close() error {
	var failed []error
	if d.tx != nil {
		failed = append(failed, d.tx.Rollback())
		d.tx = nil
	}
	if d.db != nil {
		failed = append(failed, d.db.Close())
		d.db = nil
	}
	return errors.Join(failed...)
}
