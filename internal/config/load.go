package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

const (
	configPathVariable = "SEMAPHORE_CONFIG_PATH"
	fileName           = "config.json"
	maxFile            = 1 << 20
)

// Options says where a configuration is read from.
type Options struct {
	// File is the JSON file. Defaults to the one that SEMAPHORE_CONFIG_PATH names,
	// itself or its directory, else config.json in the working directory,
	// /usr/local/etc/semaphore or /etc/semaphore, the first there is.
	File string
	// NoFile reads none of them.
	NoFile bool
	// Env is the environment, as NAME=VALUE. Defaults to that of the process.
	Env []string
	// Getwd tells the working directory. Defaults to os.Getwd.
	Getwd func() (string, error)
}

// Source says where a value came from: one of the constants, or the name of a
// variable.
type Source string

// The sources that are no variables.
const (
	SourceDefault Source = "default"
	SourceFile    Source = "file"
	SourceOption  Source = "option" // of the database
)

// Report tells what Load and [Config.ApplyOptions] met.
type Report struct {
	// File is the file that was read; empty where there is none.
	File string
	// Warnings are for the log. They hold no secret.
	Warnings []string
	// Sources tells for each key that is not a default where it came from.
	Sources map[string]Source
}

// Source tells where the value of a key came from.
func (r Report) Source(key string) Source {
	if s, ok := r.Sources[key]; ok {
		return s
	}
	return SourceDefault
}

// state is what one Load collects.
type state struct {
	sources  map[string]Source
	at       map[string]location // of values that were written
	warnings []string
	errs     []error
	loose    []string // files with secrets that others may read
}

// location is a place in a document, which is worked out only where it is told.
type location struct {
	doc    document
	offset int
}

func (s *state) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// wrong notes an error once: several keys may share a variable.
func (s *state) wrong(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	for _, e := range s.errs {
		if e.Error() == err.Error() {
			return
		}
	}
	s.errs = append(s.errs, err)
}

// Load reads the configuration. Its error names everything that is wrong with
// it: the key, the place, what is expected and what to do; never a value that
// may be secret. The report is complete in either case.
func Load(o Options) (*Config, Report, error) {
	env := newEnviron(o.Env)
	s := &state{sources: map[string]Source{}, at: map[string]location{}}
	cfg := &Config{}
	v := reflect.ValueOf(cfg).Elem()
	setDefaults(v)
	file, err := o.find(env)
	if err == nil && file != "" {
		err = s.readFile(file, v)
	}
	report := Report{File: file, Sources: s.sources}
	if err != nil {
		return nil, report, err
	}
	written := dialectsOf(s.sources)
	s.readEnv(env, v)
	cfg.complete(env, s, written)
	s.check(v, "")
	cfg.checkPairs(s)
	s.checkModes(cfg.StrictPermissions)
	report.Warnings = s.warnings
	if err := errors.Join(s.errs...); err != nil {
		return nil, report, fmt.Errorf("configuration: %w", err)
	}
	return cfg, report, nil
}

// find returns the file to read, "" if there is none.
func (o Options) find(env environ) (string, error) {
	if o.NoFile {
		return "", nil
	}
	if o.File != "" {
		return o.File, nil
	}
	getwd := o.Getwd
	if getwd == nil {
		getwd = os.Getwd
	}
	places := []string{"/usr/local/etc/semaphore/" + fileName, "/etc/semaphore/" + fileName}
	if dir, err := getwd(); err == nil {
		places = append([]string{filepath.Join(dir, fileName)}, places...)
	}
	if named := env[configPathVariable]; named != "" {
		info, err := os.Stat(named)
		if err != nil {
			return "", fmt.Errorf("configuration file of %s: %w", configPathVariable, err)
		}
		if !info.IsDir() {
			return named, nil
		}
		places = append([]string{filepath.Join(named, fileName)}, places...)
	}
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for a configuration file: %w: name another one with --config, or none with --no-config", err)
		}
	}
	return "", nil
}

func (s *state) readFile(file string, v reflect.Value) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read configuration file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return fmt.Errorf("read configuration file: %w", err)
	}
	if len(text) > maxFile {
		return fmt.Errorf("configuration file %s is over 1 MiB: it is no configuration", file)
	}
	doc := document{name: file, text: []byte(strings.TrimPrefix(string(text), "\ufeff"))}
	n, err := doc.parse()
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	(&decoder{doc: doc, source: SourceFile, state: s}).decode(n, v, "")
	if holdsSecret(v) {
		s.noteMode(file)
	}
	return nil
}

// holdsSecret tells whether any secret is set.
func holdsSecret(v reflect.Value) bool {
	if s, ok := v.Interface().(Secret); ok {
		return !s.Empty()
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if holdsSecret(v.Field(i)) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if holdsSecret(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			if holdsSecret(v.MapIndex(k)) {
				return true
			}
		}
	}
	return false
}
