package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

var (
	timeType = typeOf[time.Time]()
	rawType  = typeOf[json.RawMessage]()
	byteType = typeOf[[]byte]()
)

// columns reads the db tags of a struct.
func columns(t reflect.Type, prefix []int) []Column {
	var list []Column
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), prefix...), i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			list = append(list, columns(f.Type, index)...)
			continue
		}
		name := f.Tag.Get("db")
		if name == "" || name == "-" {
			continue
		}
		wire, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if wire == "-" {
			wire = ""
		}
		c := Column{Name: name, JSON: wire, index: index}
		c.Type, c.Null = columnType(f.Type)
		list = append(list, c)
	}
	return list
}

func columnType(t reflect.Type) (ColumnType, bool) {
	if t.Kind() == reflect.Pointer {
		typ, _ := columnType(t.Elem())
		return typ, true
	}
	switch t {
	case timeType:
		return Time, false
	case rawType:
		return JSON, true
	case byteType:
		return Blob, true
	}
	switch t.Kind() {
	case reflect.String:
		return Text, false
	case reflect.Bool:
		return Bool, false
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int, false
	case reflect.Struct, reflect.Slice, reflect.Map:
		return JSON, false
	default:
		panic("schema: cannot store " + t.String())
	}
}

// Value returns what is stored for the column of a row (a struct, not a
// pointer): nil, int64, string, bool or []byte.
func (c *Column) Value(row reflect.Value) (any, error) {
	f := row.FieldByIndex(c.index)
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			return nil, nil
		}
		f = f.Elem()
	}
	switch c.Type {
	case Int:
		return f.Int(), nil
	case Text:
		return f.String(), nil
	case Bool:
		return f.Bool(), nil
	case Time:
		t, _ := f.Interface().(time.Time)
		return Millis(t), nil
	case Blob:
		if f.IsNil() {
			return nil, nil
		}
		return bytes.Clone(f.Bytes()), nil
	default:
		return jsonValue(f)
	}
}

func jsonValue(f reflect.Value) (any, error) {
	if f.Type() == rawType {
		if f.Len() == 0 {
			return nil, nil
		}
		return string(f.Bytes()), nil
	}
	text, err := json.Marshal(f.Interface())
	if err != nil {
		return nil, fmt.Errorf("encode column: %w", err)
	}
	return string(text), nil
}

// Millis is a time as it is stored; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis is the time of a stored value.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Set puts a stored value into the column of a row (addressable). It takes what
// database drivers return: nil, int64, float64, string, []byte, bool.
func (c *Column) Set(row reflect.Value, v any) error {
	f := row.FieldByIndex(c.index)
	if v == nil {
		f.SetZero()
		return nil
	}
	if f.Kind() == reflect.Pointer {
		f.Set(reflect.New(f.Type().Elem()))
		f = f.Elem()
	}
	switch c.Type {
	case Int, Time:
		n, err := integer(v)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if c.Type == Time {
			f.Set(reflect.ValueOf(FromMillis(n)))
			return nil
		}
		f.SetInt(n)
	case Bool:
		n, err := integer(v)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		f.SetBool(n != 0)
	case Text:
		f.SetString(text(v))
	case Blob:
		f.SetBytes([]byte(text(v)))
	default:
		return c.setJSON(f, text(v))
	}
	return nil
}

func (c *Column) setJSON(f reflect.Value, s string) error {
	if f.Type() == rawType {
		f.Set(reflect.ValueOf(json.RawMessage(s)))
		return nil
	}
	fresh := reflect.New(f.Type())
	if s != "" {
		if err := json.Unmarshal([]byte(s), fresh.Interface()); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	f.Set(fresh.Elem())
	return nil
}

func integer(v any) (int64, error) {
	switch n := v.(type) {
	case int64:
		return n, nil
	case float64:
		return int64(n), nil
	case bool:
		if n {
			return 1, nil
		}
		return 0, nil
	default:
		return 0, fmt.Errorf("stored value is a %T, not a number", v)
	}
}

func text(v any) string {
	switch s := v.(type) {
	case string:
		return s
	case []byte:
		return string(s)
	default:
		return fmt.Sprint(v)
	}
}

// ID returns the id of a row.
func ID(row reflect.Value) int64 { return row.FieldByName("ID").Int() }

// SetID sets the id of a row (addressable).
func SetID(row reflect.Value, id int64) { row.FieldByName("ID").SetInt(id) }
