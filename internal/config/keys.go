package config

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
)

// PathList is a list of directories: in JSON a list or a text that is separated
// as in PATH, in the environment the latter.
type PathList []string

// Key is one key of the configuration.
type Key struct {
	Name    string   // dotted; <id> stands for a name that the administrator chooses, [] for an element
	Env     []string // variables, the first that is set counts
	EnvOnly bool     // not read from the file
	Files   bool     // each variable may be given as <VARIABLE>_FILE
	Type    string   // for people
	Default string
	Rule    string // for people; empty allows everything of the type
	Doc     string

	index []int // way to the field; nil below maps and lists
}

// Keys lists every key, in the order of [Config].
func Keys() []Key {
	w := keyWalker{taken: map[string]bool{}}
	w.walk(reflect.TypeFor[Config](), "", []int{}, false)
	for i := range w.keys {
		k := &w.keys[i]
		// A variable that is a key itself is never the file of another one.
		k.Files = k.Files && !slices.ContainsFunc(k.Env, func(e string) bool { return w.taken[e+"_FILE"] })
	}
	return w.keys
}

type keyWalker struct {
	keys  []Key
	taken map[string]bool
}

func (w *keyWalker) walk(t reflect.Type, prefix string, index []int, envOnly bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		var at []int
		if index != nil {
			at = append(slices.Clone(index), i)
		}
		if f.Anonymous {
			w.walk(f.Type, prefix, at, envOnly)
			continue
		}
		k := Key{
			Name: prefix + f.Tag.Get("json"), EnvOnly: envOnly || f.Tag.Get("only") == "env",
			Type: typeName(f.Type), Default: f.Tag.Get("default"), Rule: describeRule(f.Tag.Get("rule")),
			Doc: f.Tag.Get("doc"), index: at,
		}
		if env := f.Tag.Get("env"); env != "" {
			k.Env = strings.Split(env, ",")
			k.Files = f.Type == reflect.TypeFor[Secret]() || f.Tag.Get("file") == "yes"
		}
		for _, e := range k.Env {
			w.taken[e] = true
		}
		if !isGroup(f.Type) || k.Env != nil {
			w.keys = append(w.keys, k)
		}
		w.below(f.Type, k, at)
	}
}

// below walks into what a key holds.
func (w *keyWalker) below(t reflect.Type, k Key, at []int) {
	switch {
	case isGroup(t):
		w.walk(t, k.Name+".", at, k.EnvOnly)
	case t.Kind() == reflect.Map && isGroup(t.Elem()):
		w.walk(t.Elem(), k.Name+".<id>.", nil, k.EnvOnly)
	case t.Kind() == reflect.Slice && isGroup(t.Elem()):
		w.walk(t.Elem(), k.Name+"[].", nil, k.EnvOnly)
	}
}

// isGroup tells whether a type is an object with keys of its own.
func isGroup(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[Secret]()
}

func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Secret]():
		return "secret text"
	case reflect.TypeFor[PathList]():
		return "paths"
	case reflect.TypeFor[time.Duration]():
		return "duration"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "number"
	case reflect.String:
		return "text"
	case reflect.Slice:
		if isGroup(t.Elem()) {
			return "list of objects"
		}
		return "list of " + strings.TrimSuffix(typeName(t.Elem()), "s") + "s"
	case reflect.Map:
		if isGroup(t.Elem()) {
			return "object of objects by id"
		}
		return "object of " + typeName(t.Elem()) + "s"
	default:
		return "object"
	}
}

// variables lists every variable that has a meaning, with the key it belongs
// to.
func variables(keys []Key) map[string]string {
	known := map[string]string{}
	for _, k := range keys {
		for _, e := range k.Env {
			known[e] = k.Name
			if k.Files {
				known[e+"_FILE"] = k.Name
			}
		}
	}
	for _, e := range []string{configPathVariable, "SEMAPHORE_RECAPTCHA_ENABLED", "SEMAPHORE_RECAPTCHA_SITE_KEY"} {
		known[e] = ""
	}
	return known
}

// environ is an environment to look things up in.
type environ map[string]string

func newEnviron(list []string) environ {
	if list == nil {
		list = os.Environ()
	}
	e := environ{}
	for _, kv := range list {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e[name] = value
		}
	}
	return e
}
