package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// missing is what a value that is not there is compared as, as the reference
// has it.
const missing = "<nil>"

// document is the JSON of one body, read at most once and only when asked for.
type document struct {
	body  []byte
	read  bool
	value any
	err   error
}

// root returns the body's value; its error is an ErrBody.
func (d *document) root() (any, error) {
	if !d.read {
		d.value, d.err = parseJSON(d.body)
		d.read = true
	}
	return d.value, d.err
}

// parseJSON reads one JSON value. Numbers keep their spelling. Names that come
// twice in an object are refused, because sender and receiver may disagree on
// which one counts, and so is what is nested deeper than MaxDepth.
func parseJSON(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	value, err := readValue(dec, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBody, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the value", ErrBody)
	}
	return value, nil
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth++; depth > MaxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", MaxDepth)
	}
	if delim == '[' {
		return readArray(dec, depth)
	}
	return readObject(dec, depth)
}

func readArray(dec *json.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.More() {
		item, err := readValue(dec, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, closing(dec)
}

func readObject(dec *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("read JSON: %w", err)
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("an object has a name that is no text")
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("the name %.100q comes twice in one object", name)
		}
		if object[name], err = readValue(dec, depth); err != nil {
			return nil, err
		}
	}
	return object, closing(dec)
}

// closing reads the bracket that ends an array or object.
func closing(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return nil
}

// find follows a path as gojsonq writes it: names and [indexes], with dots
// between, "commits.[0].author.name". A name that contains a dot cannot be
// addressed. Null counts as not found.
func find(root any, path string) (any, bool) {
	parts := strings.Split(path, ".")
	if len(parts) > MaxDepth {
		return nil, false
	}
	for _, part := range parts {
		var ok bool
		if index, is := indexOf(part); is {
			var list []any
			if list, ok = root.([]any); ok {
				if ok = index < len(list); ok {
					root = list[index]
				}
			}
		} else {
			var object map[string]any
			if object, ok = root.(map[string]any); ok {
				root, ok = object[part]
			}
		}
		if !ok {
			return nil, false
		}
	}
	return root, root != nil
}

// indexOf reads "[3]".
func indexOf(part string) (int, bool) {
	inner, ok := strings.CutPrefix(part, "[")
	if !ok {
		return 0, false
	}
	if inner, ok = strings.CutSuffix(inner, "]"); !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(inner, 10, 31)
	return int(n), err == nil
}

// textOf writes a value as it is compared and handed on: texts as they are,
// numbers that are whole as integers, other numbers as they were spelled, lists
// and objects as compact JSON.
func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return missing
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return numberText(v.String())
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return missing
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// maxExponent bounds the digits that a short spelling such as 1e9 unfolds to.
const maxExponent = 30

// numberText turns 2.0 and 2e3 into 2 and 2000, and leaves the rest as it is.
func numberText(text string) string {
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	if !scientific && !strings.Contains(mantissa, ".") && text != "-0" {
		return text
	}
	if scientific {
		n, err := strconv.Atoi(exponent)
		if err != nil || n > maxExponent || n < -maxExponent {
			return text
		}
	}
	if len(mantissa) > 100 {
		return text
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok || !exact.IsInt() {
		return text
	}
	return exact.Num().String()
}
