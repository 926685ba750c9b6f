package secret

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ownPrefix begins the names of the server's own settings.
const ownPrefix = "SEMAPHORE_"

// Env reads variables of the server's environment whose names begin with a
// prefix. It is read only.
type Env struct {
	prefix string
	lookup func(string) (string, bool)
}

// NewEnv returns a storage of the variables that begin with prefix; an empty
// prefix declares none. Settings of the server, SEMAPHORE_*, stay out of reach
// unless the prefix itself begins so and goes on.
func NewEnv(prefix string, lookup func(string) (string, bool)) *Env {
	return &Env{prefix: prefix, lookup: lookup}
}

// Check says why a name cannot be read, nil where it can.
func (e *Env) Check(name string) error {
	switch {
	case e.prefix == "":
		return refuse("source_storage_key", "variables of the server are not offered: the administrator has to declare a prefix for them")
	case len(name) > maxKey || !envName.MatchString(name):
		return refuse("source_storage_key", "cannot be a variable's name: use letters, digits and underscores")
	case !strings.HasPrefix(name, e.prefix) || name == e.prefix:
		return refuse("source_storage_key", "%q is not offered: names have to begin with %s", name, e.prefix)
	case strings.HasPrefix(strings.ToUpper(name), ownPrefix) && len(e.prefix) <= len(ownPrefix):
		return refuse("source_storage_key", "%q is a setting of the server, which no project reads", name)
	}
	return nil
}

// Get implements Storage.
func (e *Env) Get(_ context.Context, name string) (string, error) {
	if err := e.Check(name); err != nil {
		return "", err
	}
	value, ok := e.lookup(name)
	if !ok {
		return "", fmt.Errorf("%w: the server has no variable %s: set it and start the server anew", ErrNotFound, name)
	}
	if len(value) > maxValue {
		return "", fmt.Errorf("variable %s: longer than %d bytes", name, maxValue)
	}
	return value, nil
}

// Put answers ErrReadOnly.
func (e *Env) Put(context.Context, string, string) error { return ErrReadOnly }

// Delete answers ErrReadOnly.
func (e *Env) Delete(context.Context, string) error { return ErrReadOnly }
