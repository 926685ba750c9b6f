package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// List is a list that is [] in JSON where it is empty.
type List[T any] []T

// MarshalJSON writes an empty list as [].
func (l List[T]) MarshalJSON() ([]byte, error) {
	if len(l) == 0 {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// Object is a JSON object as text, without white space; nil is {}.
type Object []byte

// MarshalJSON writes the object, {} for nil.
func (o Object) MarshalJSON() ([]byte, error) {
	if len(o) == 0 {
		return []byte("{}"), nil
	}
	return o, nil
}

// UnmarshalJSON takes an object, or null.
func (o *Object) UnmarshalJSON(text []byte) error {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return err
	}
	switch s := b.String(); {
	case s == "null", s == "{}":
		*o = nil
	case s[0] != '{':
		return &json.UnmarshalTypeError{Value: kindOf(s[0]), Type: objectType}
	default:
		*o = b.Bytes()
	}
	return nil
}

// UnmarshalJSON takes a list, or a text that holds one.
func (s *BackupSurvey) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var inner string
		if err := json.Unmarshal(text, &inner); err != nil {
			return err
		}
		if inner == "" {
			*s = nil
			return nil
		}
		if err := checkShape([]byte(inner)); err != nil {
			return err
		}
		text = []byte(inner)
	}
	var list []BackupSurveyVar
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// MarshalJSON writes an empty list as [].
func (s BackupSurvey) MarshalJSON() ([]byte, error) { return json.Marshal(List[BackupSurveyVar](s)) }

// BackupTime is a time of a file. Semaphore UI writes it as {}, losing it, and
// so does this type, because that is what Semaphore UI can read; a text in
// RFC 3339 is read too.
type BackupTime struct {
	Time time.Time // zero where it is lost
}

// MarshalJSON writes {}.
func (BackupTime) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// UnmarshalJSON takes an object, or a text.
func (t *BackupTime) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '{' {
		t.Time = time.Time{}
		return nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if s == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return errors.New("run_at is no time: write 2026-01-31T10:00:00Z")
	}
	t.Time = at
	return nil
}

// kindOf names a JSON value by its first byte.
func kindOf(first byte) string {
	switch first {
	case '"':
		return "string"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	default:
		return "number"
	}
}
