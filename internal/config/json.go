package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth bounds the nesting of objects and lists.
const maxDepth = 64

// node is a JSON value that knows where it stands.
type node struct {
	offset int
	value  any // nil, bool, json.Number, string, []node, []member
}

type member struct {
	key    string
	offset int
	node   node
}

// document is a JSON text with a name for people.
type document struct {
	name string
	text []byte
}

// at names a place in the text, or the document where there is no text.
func (d document) at(offset int) string {
	if d.text == nil {
		return d.name
	}
	before := d.text[:min(max(offset, 0), len(d.text))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + offset - (bytes.LastIndexByte(before, '\n') + 1)
	return fmt.Sprintf("%s, line %d, column %d", d.name, line, column)
}

// parse reads the whole text as one JSON value.
func (d document) parse() (node, error) {
	if len(bytes.TrimSpace(d.text)) == 0 {
		return node{}, fmt.Errorf("%s is empty: write {} for a configuration of defaults", d.name)
	}
	var all json.RawMessage
	if err := json.Unmarshal(d.text, &all); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return node{}, fmt.Errorf("%s: no JSON: %s", d.at(int(syntax.Offset)-1), strings.TrimPrefix(syntax.Error(), "json: "))
		}
		return node{}, fmt.Errorf("%s: no JSON", d.name)
	}
	p := parser{doc: d, dec: json.NewDecoder(bytes.NewReader(d.text))}
	p.dec.UseNumber()
	return p.value(0)
}

type parser struct {
	doc document
	dec *json.Decoder
}

// next reads one token and tells where it begins.
func (p *parser) next() (json.Token, int, error) {
	start := int(p.dec.InputOffset())
	for start < len(p.doc.text) && bytes.IndexByte([]byte(" \t\r\n,:"), p.doc.text[start]) >= 0 {
		start++
	}
	t, err := p.dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, start, fmt.Errorf("%s: no JSON: %w", p.doc.at(start), err)
	}
	return t, start, nil
}

func (p *parser) value(depth int) (node, error) {
	t, start, err := p.next()
	if err != nil {
		return node{}, err
	}
	n := node{offset: start, value: t}
	delim, ok := t.(json.Delim)
	if !ok {
		return n, nil
	}
	if depth >= maxDepth {
		return node{}, fmt.Errorf("%s: nested more than %d deep", p.doc.at(start), maxDepth)
	}
	if delim == '[' {
		n.value, err = p.list(depth)
	} else {
		n.value, err = p.object(depth)
	}
	return n, err
}

func (p *parser) list(depth int) ([]node, error) {
	list := []node{}
	for p.dec.More() {
		n, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	_, _, err := p.next()
	return list, err
}

func (p *parser) object(depth int) ([]member, error) {
	members := []member{}
	for p.dec.More() {
		t, start, err := p.next()
		if err != nil {
			return nil, err
		}
		n, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		members = append(members, member{key: key, offset: start, node: n})
	}
	_, _, err := p.next()
	return members, err
}

// kind names what a node is, for people.
func (n node) kind() string {
	switch n.value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a text"
	case []node:
		return "a list"
	default:
		return "an object"
	}
}
