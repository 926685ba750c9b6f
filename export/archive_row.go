package export

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendRow writes values as a line of a part, without its end.
func appendRow(dst []byte, values []any) ([]byte, error) {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch x := v.(type) {
		case nil:
			dst = append(dst, "null"...)
		case bool:
			dst = strconv.AppendBool(dst, x)
		case int64:
			dst = strconv.AppendInt(dst, x, 10)
		case float64:
			dst = append(dst, `{"f":"`...)
			dst = strconv.AppendFloat(dst, x, 'g', -1, 64)
			dst = append(dst, `"}`...)
		case string:
			dst = appendText(dst, x)
		case []byte:
			dst = appendBytes(dst, `{"b":"`, x)
		default:
			return nil, fmt.Errorf("value is a %T", v)
		}
	}
	return append(dst, ']'), nil
}

func appendBytes(dst []byte, head string, data []byte) []byte {
	dst = append(dst, head...)
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, `"}`...)
}

func appendText(dst []byte, text string) []byte {
	if !utf8.ValidString(text) {
		return appendBytes(dst, `{"s":"`, []byte(text))
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // of a string: cannot fail
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

var errRow = errors.New("is no row of values")

// parseRow reads a line of a part that has so many columns, and tells which one
// is wrong.
func parseRow(line []byte, columns int) (values []any, column int, err error) {
	if !utf8.Valid(line) {
		return nil, -1, errRow
	}
	var list []json.RawMessage
	if err := json.Unmarshal(line, &list); err != nil {
		return nil, -1, errRow
	}
	if len(list) != columns {
		return nil, -1, fmt.Errorf("has %d values for %d columns", len(list), columns)
	}
	values = make([]any, len(list))
	for i, raw := range list {
		if values[i], err = parseValue(raw); err != nil {
			return nil, i, err
		}
	}
	return values, 0, nil
}

func parseValue(raw json.RawMessage) (any, error) {
	switch text := string(raw[:1]); {
	case string(raw) == "null":
		return nil, nil
	case string(raw) == "true":
		return true, nil
	case string(raw) == "false":
		return false, nil
	case text == `"`:
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case text == "{":
		return parseObject(raw)
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil, errors.New("is no value of an archive")
	}
	return n, nil
}

func parseObject(raw json.RawMessage) (any, error) {
	const head = 6 // {"b":"
	if len(raw) < head+2 {
		return nil, errors.New("is no value of an archive")
	}
	kind, body := string(raw[:head]), string(raw[head:])
	text, ok := strings.CutSuffix(body, `"}`)
	if !ok {
		return nil, errors.New("is no value of an archive")
	}
	switch kind {
	case `{"b":"`, `{"s":"`:
		data, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, errors.New("is no base64")
		}
		if kind == `{"s":"` {
			return string(data), nil
		}
		return data, nil
	case `{"f":"`:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, errors.New("is no number")
		}
		return f, nil
	}
	return nil, errors.New("is no value of an archive")
}
