package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/internal/jsontext"
)

// depthLimit is how deep the JSON of a body may nest.
const depthLimit = 64

// decode reads the body into v, an input type of the route.
func (c *call) decode(v any) error {
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return err
		}
		return errGone
	}
	return decodeJSON(data, v)
}

// decodeOptional is decode for a body that may be left out.
func (c *call) decodeOptional(v any) error {
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	return decodeJSON(data, v)
}

// decodeJSON reads one JSON value and nothing behind it. Members that v does
// not know are left alone: clients send back what they were sent.
func decodeJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return answer(http.StatusBadRequest, "body is no UTF-8 text")
	}
	if jsontext.HasNUL(data) {
		return answer(http.StatusBadRequest, "body has a text with a NUL character: leave it out")
	}
	if err := checkDepth(data); err != nil {
		return err
	}
	err := json.Unmarshal(data, v)
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		field := kind.Field
		if field == "" {
			field = "body"
		}
		return answer(http.StatusBadRequest, fmt.Sprintf("%s: is a JSON %s: send %s", clip(field, 100), clip(kind.Value, 40), jsonName(kind)))
	case errors.As(err, &syntax):
		return answer(http.StatusBadRequest, fmt.Sprintf("body is no JSON (byte %d): send one JSON value", syntax.Offset))
	}
	var r *reply
	if errors.As(err, &r) {
		return r
	}
	return answer(http.StatusBadRequest, "body cannot be read: send one JSON value of the documented shape")
}

// jsonName is the JSON word for what a field takes.
func jsonName(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "slice", "array":
		return "an array"
	case "struct", "map":
		return "an object"
	default:
		return "a whole number within range"
	}
}

// checkDepth refuses JSON that nests too deep, before anything is built of it.
func checkDepth(data []byte) error {
	depth, text, escaped := 0, false, false
	for _, b := range data {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped, text = b == '\\', b != '"'
		case b == '"':
			text = true
		case b == '{' || b == '[':
			if depth++; depth > depthLimit {
				return answer(http.StatusBadRequest, fmt.Sprintf("body nests deeper than %d levels", depthLimit))
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return nil
}

// quote is a text as JSON.
func quote(text string) (string, error) {
	b, err := json.Marshal(text)
	return string(b), err
}
