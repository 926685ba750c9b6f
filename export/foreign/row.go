package foreign

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// row is one row of the old database: values as a driver or JSON gives them,
// read with the tolerance that four kinds of databases and many versions need.
// A column that is not there reads as one without a value.
type row struct {
	index  map[string]int
	values []any
	mended []string // columns whose text was no UTF-8
	was    int64    // the id it had, where it got another one; else 0
}

// clone is a copy that outlives the callback it was given to.
func (r *row) clone() *row {
	c := &row{index: r.index, values: make([]any, len(r.values)), was: r.was}
	for i, v := range r.values {
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		c.values[i] = v
	}
	return c
}

func (r *row) value(name string) any {
	i, ok := r.index[name]
	if !ok || i >= len(r.values) {
		return nil
	}
	if b, ok := r.values[i].([]byte); ok {
		return string(b)
	}
	return r.values[i]
}

// text is "" for no value. What is no UTF-8, or no text that every database
// takes, becomes the replacement character.
func (r *row) text(name string) string {
	switch v := r.value(name).(type) {
	case string:
		clean := cleanText(v)
		if clean != v {
			r.mended = append(r.mended, name)
		}
		return clean
	case nil:
		return ""
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	default: // an object or list of BoltDB
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(b)
	}
}

func cleanText(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// filled is nil for no value and for an empty text.
func (r *row) filled(name string) *string {
	s := r.text(name)
	if s == "" {
		return nil
	}
	return &s
}

// number is 0 for no value and for what is no whole number.
func (r *row) number(name string) int64 {
	switch v := r.value(name).(type) {
	case int64:
		return v
	case int:
		return int64(v)
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return 0
		}
		return int64(v)
	case bool:
		if v {
			return 1
		}
	case json.Number:
		n, err := v.Int64()
		if err == nil {
			return n
		}
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err == nil {
			return n
		}
	}
	return 0
}

// small is a number that fits an int of every platform, never below zero.
func (r *row) small(name string) int {
	return int(min(max(r.number(name), 0), math.MaxInt32))
}

// id is a reference: nil for no value and for what can be no id.
func (r *row) id(name string) *int64 {
	n := r.number(name)
	if n <= 0 {
		return nil
	}
	return &n
}

func (r *row) flag(name string) bool {
	switch v := r.value(name).(type) {
	case bool:
		return v
	case string:
		switch strings.ToLower(v) {
		case "1", "t", "true", "yes", "\x01":
			return true
		}
		return false
	default:
		return r.number(name) != 0
	}
}

// flagOr is flag, or what it is where the old schema lacks the column.
func (r *row) flagOr(name string, missing bool) bool {
	if r.value(name) == nil {
		return missing
	}
	return r.flag(name)
}

// timeLayouts are the ways in which times stand in SQLite files and in JSON.
var timeLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 -0700 MST",
	"2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02",
}

// time is nil for no value, for the zero time that Semaphore UI writes where it
// means none, and for what is no time.
func (r *row) time(name string) *time.Time {
	var t time.Time
	switch v := r.value(name).(type) {
	case time.Time:
		t = v
	case string:
		t = parseTime(v)
	case int64:
		t = time.Unix(v, 0)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			t = time.Unix(n, 0)
		}
	}
	// Nothing is older than the program.
	if t.Year() < 2000 || t.Year() > 9999 {
		return nil
	}
	t = t.UTC()
	return &t
}

func parseTime(text string) time.Time {
	text, _, _ = strings.Cut(text, " m=") // a monotonic clock
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t
		}
	}
	return time.Time{}
}

// json is a text that parses as JSON, or nil; bad tells of one that does not.
func (r *row) json(name string) (text json.RawMessage, bad bool) {
	s := strings.TrimSpace(r.text(name))
	if s == "" || s == "null" {
		return nil, false
	}
	if !json.Valid([]byte(s)) {
		return nil, true
	}
	return json.RawMessage(s), false
}
