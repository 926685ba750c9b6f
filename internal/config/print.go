package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// Entry is one key with its value, for people.
type Entry struct {
	Key    string `json:"key"`
	Value  any    `json:"value"` // secrets are "***"
	Source Source `json:"source"`
}

// Entries lists every key with its value and where that came from, in the order
// of [Keys]. Secrets are masked.
func (c *Config) Entries(r Report) []Entry {
	v := reflect.ValueOf(c).Elem()
	var list []Entry
	for _, k := range Keys() {
		if k.index == nil || len(k.index) > 0 && isGroup(v.FieldByIndex(k.index).Type()) {
			continue
		}
		list = append(list, Entry{Key: k.Name, Value: masked(v.FieldByIndex(k.index)), Source: r.Source(k.Name)})
	}
	return list
}

// Masked returns the configuration as an object for people, in the form of the
// file, with "***" for secrets.
func (c *Config) Masked() map[string]any {
	all, _ := masked(reflect.ValueOf(c).Elem()).(map[string]any)
	return all
}

// masked makes plain JSON values, and hides what may be secret.
func masked(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case Secret:
		return x.String()
	case time.Duration:
		return x.String()
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return masked(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = masked(v.Index(i))
		}
		return list
	case reflect.Map:
		object := map[string]any{}
		for _, k := range v.MapKeys() {
			object[k.String()] = masked(v.MapIndex(k))
		}
		return object
	case reflect.Struct:
		object := map[string]any{}
		for name, f := range fieldsOf(v) {
			object[name] = masked(f.value)
		}
		return object
	default:
		return v.Interface()
	}
}

// Text returns the value as one line of text.
func (e Entry) Text() string {
	switch x := e.Value.(type) {
	case nil:
		return ""
	case string:
		return x
	case []any, map[string]any:
		if b, err := json.Marshal(x); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(e.Value)
}
