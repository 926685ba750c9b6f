package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// decoder puts JSON into a configuration. It collects what is wrong instead of
// stopping at the first.
type decoder struct {
	doc    document
	source Source
	state  *state
}

func (d *decoder) wrong(n node, path, format string, args ...any) {
	d.state.errs = append(d.state.errs, fmt.Errorf("%s: %s: %s", d.doc.at(n.offset), path, fmt.Sprintf(format, args...)))
}

// done notes where the value of a key came from.
func (d *decoder) done(n node, path string) {
	d.state.sources[path] = d.source
	d.state.at[path] = location{d.doc, n.offset}
}

// decode puts n into v. A null or empty text leaves the default: files that
// were made from a form are full of empty texts.
func (d *decoder) decode(n node, v reflect.Value, path string) {
	if n.value == nil {
		return
	}
	if n.value == "" && isText(v.Type()) {
		return
	}
	if isGroup(v.Type()) {
		d.object(n, v, path)
		return
	}
	d.done(n, path)
	switch v.Type() {
	case reflect.TypeFor[Secret]():
		if s, ok := n.value.(string); ok {
			v.Set(reflect.ValueOf(NewSecret(s)))
			return
		}
		d.wrong(n, path, "a text is expected, not %s", n.kind())
		return
	case reflect.TypeFor[time.Duration](), reflect.TypeFor[PathList]():
		if s, ok := n.value.(string); ok {
			if err := setText(v, s); err != nil {
				d.wrong(n, path, "%v", err)
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.Map:
		d.byName(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) scalar(n node, v reflect.Value, path string) {
	switch x := n.value.(type) {
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(x)
			return
		}
	case string:
		if v.Kind() == reflect.String {
			v.SetString(x)
			return
		}
	case json.Number:
		if v.Kind() == reflect.Int && v.Type() != reflect.TypeFor[time.Duration]() {
			if i, err := x.Int64(); err == nil {
				v.SetInt(i)
				return
			}
			d.wrong(n, path, "a whole number is expected, not %s", x)
			return
		}
	}
	d.wrong(n, path, "%s is expected, not %s", article(typeName(v.Type())), n.kind())
}

func (d *decoder) list(n node, v reflect.Value, path string) {
	nodes, ok := n.value.([]node)
	if !ok {
		d.wrong(n, path, "%s is expected, not %s", article(typeName(v.Type())), n.kind())
		return
	}
	list := reflect.MakeSlice(v.Type(), len(nodes), len(nodes))
	for i, item := range nodes {
		setDefaults(list.Index(i))
		d.decode(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(list)
}

// byName decodes a map. It replaces what was there before, as a whole.
func (d *decoder) byName(n node, v reflect.Value, path string) {
	members, ok := n.value.([]member)
	if !ok {
		d.wrong(n, path, "%s is expected, not %s", article(typeName(v.Type())), n.kind())
		return
	}
	m := reflect.MakeMap(v.Type())
	for _, entry := range members {
		item := reflect.New(v.Type().Elem()).Elem()
		setDefaults(item)
		d.decode(entry.node, item, path+"."+entry.key)
		m.SetMapIndex(reflect.ValueOf(entry.key), item)
	}
	v.Set(m)
}

func (d *decoder) object(n node, v reflect.Value, path string) {
	members, ok := n.value.([]member)
	if !ok {
		d.wrong(n, orWhole(path), "an object is expected, not %s", n.kind())
		return
	}
	fields := fieldsOf(v)
	seen := map[string]bool{}
	for _, m := range members {
		name := m.key
		f, ok := fields[name]
		if !ok {
			name = strings.ToLower(name)
			f, ok = fields[name]
		}
		switch full := join(path, m.key); {
		case !ok:
			d.state.warn("%s: %s is no key%s", d.doc.at(m.offset), full, didYouMean(m.key, keysOf(fields)))
		case f.envOnly:
			d.state.warn("%s: %s is read from the environment only", d.doc.at(m.offset), full)
		default:
			if seen[name] {
				d.state.warn("%s: %s is written twice: the last one counts", d.doc.at(m.offset), full)
			}
			seen[name] = true
			d.decode(m.node, f.value, join(path, name))
		}
	}
}

// isText tells whether a value is written as a text.
func isText(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[Secret](), reflect.TypeFor[PathList](), reflect.TypeFor[time.Duration]():
		return true
	}
	return t.Kind() == reflect.String
}

// field is a field of an object, found by its key.
type field struct {
	value   reflect.Value
	tag     reflect.StructTag
	envOnly bool
}

// fieldsOf returns the fields of an object, embedded ones too.
func fieldsOf(v reflect.Value) map[string]field {
	fields := map[string]field{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			for name, inner := range fieldsOf(v.Field(i)) {
				fields[name] = inner
			}
			continue
		}
		fields[f.Tag.Get("json")] = field{value: v.Field(i), tag: f.Tag, envOnly: f.Tag.Get("only") == "env"}
	}
	return fields
}

// setDefaults puts the defaults of the tags into an object. Nothing else is
// changed.
func setDefaults(v reflect.Value) {
	if !isGroup(v.Type()) {
		return
	}
	for _, f := range fieldsOf(v) {
		if text := f.tag.Get("default"); text != "" {
			_ = setText(f.value, text) // a test sets them all
		}
		setDefaults(f.value)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orWhole(path string) string {
	if path == "" {
		return "the configuration"
	}
	return path
}

func article(typ string) string {
	switch {
	case typ == "true or false" || typ == "paths":
		return typ
	case strings.HasPrefix(typ, "object"):
		return "an " + typ
	}
	return "a " + typ
}
