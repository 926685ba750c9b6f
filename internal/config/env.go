package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
)

const (
	variablePrefix = "SEMAPHORE_"
	maxSecretFile  = 64 << 10
)

// readEnv puts the environment over what the file said. A variable that is
// empty counts as not set.
func (s *state) readEnv(env environ, v reflect.Value) {
	keys := Keys()
	for _, k := range keys {
		if k.index == nil {
			continue
		}
		name, text, ok := s.lookup(env, k)
		if !ok {
			continue
		}
		if name == "SEMAPHORE_PORT" && strings.Contains(text, "://") {
			s.warn("SEMAPHORE_PORT holds an address, as Kubernetes sets it for a service called semaphore, and is left out")
			continue
		}
		s.set(v.FieldByIndex(k.index), k.Name, text, Source(name), name)
	}
	s.unknownVariables(env, keys, v.FieldByName("EnvSecretPrefix").String())
}

// set puts a text into a value, as JSON where that is needed.
func (s *state) set(v reflect.Value, key, text string, source Source, place string) {
	err := setText(v, text)
	switch {
	case errors.Is(err, errJSON):
		doc := document{name: place, text: []byte(text)}
		n, err := doc.parse()
		if err != nil {
			s.errs = append(s.errs, err)
			return
		}
		(&decoder{doc: doc, source: source, state: s}).decode(n, v, key)
	case err != nil:
		s.wrong("%s: %s: %w", place, key, err)
		return
	}
	s.sources[key], s.at[key] = source, location{doc: document{name: place}}
}

// lookup returns the variable that a key is read from, and its text.
func (s *state) lookup(env environ, k Key) (name, text string, ok bool) {
	for _, name := range k.Env {
		text := env[name]
		file := ""
		if k.Files {
			file = env[name+"_FILE"]
		}
		switch {
		case text != "" && file != "":
			s.wrong("%s and %s_FILE are both set: leave one of them out", name, name)
			return "", "", false
		case text != "":
			return name, text, true
		case file != "":
			text, err := s.secretFile(file)
			if err != nil {
				s.wrong("%s_FILE: %w", name, err)
				return "", "", false
			}
			return name + "_FILE", text, true
		}
	}
	return "", "", false
}

// secretFile reads a file that holds one value, without the line end behind it.
func (s *state) secretFile(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if len(text) > maxSecretFile {
		return "", fmt.Errorf("%s is over 64 KiB: it is no secret", file)
	}
	s.noteMode(file)
	return strings.TrimRight(string(text), "\r\n"), nil
}

// unknownVariables warns of variables that look like ours and mean nothing,
// but for those that secrets may name.
func (s *state) unknownVariables(env environ, keys []Key, secrets string) {
	known := variables(keys)
	names := keysOf(known)
	for _, name := range keysOf(env) {
		_, ok := known[name]
		switch {
		case ok || !strings.HasPrefix(name, variablePrefix):
		case secrets != "" && strings.HasPrefix(name, secrets): // what secrets of type env may name
		case strings.HasPrefix(name, "SEMAPHORE_SERVICE_"), strings.HasPrefix(name, "SEMAPHORE_PORT_"): // set by Kubernetes
		default:
			s.warn("%s is no variable of this program%s", name, didYouMean(name, names))
		}
	}
}
