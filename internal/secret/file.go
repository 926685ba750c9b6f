package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files reads files below one directory that an administrator keeps for that
// purpose. It is read only.
type Files struct{ dir string }

// NewFiles returns a storage of the files below dir, an absolute path; an empty
// one offers none.
func NewFiles(dir string) *Files {
	if dir != "" {
		dir = filepath.Clean(dir)
	}
	return &Files{dir: dir}
}

// Check says why a path cannot be read, nil where it may be tried.
func (f *Files) Check(path string) error {
	_, err := f.inner(path)
	return err
}

// inner returns a path relative to the directory.
func (f *Files) inner(path string) (string, error) {
	switch {
	case f.dir == "":
		return "", refuse("source_storage_key", "files of the server are not offered: the administrator has to name a directory for them")
	case !filepath.IsAbs(f.dir):
		return "", refuse("source_storage_key", "files of the server are not offered: the administrator has to name their directory by its absolute path")
	case len(path) > maxKey || strings.ContainsRune(path, 0):
		return "", refuse("source_storage_key", "cannot be a path: it is too long or contains a NUL byte")
	case !filepath.IsAbs(path):
		return "", refuse("source_storage_key", "has to be an absolute path below the directory of secrets")
	case slices.Contains(strings.Split(filepath.ToSlash(path), "/"), ".."):
		return "", refuse("source_storage_key", "contains '..': write the path without it")
	}
	inner, err := filepath.Rel(f.dir, path)
	if err != nil || inner == "." || !filepath.IsLocal(inner) {
		return "", refuse("source_storage_key", "is not below the directory of secrets: put the file there")
	}
	return inner, nil
}

// Get implements Storage. Links that lead out of the directory are not
// followed; those that stay inside are, for mounted secrets consist of them.
// Only regular files are read.
func (f *Files) Get(_ context.Context, path string) (string, error) {
	inner, err := f.inner(path)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return "", errors.New("the directory of secrets cannot be opened: the administrator has to make it readable for the server")
	}
	defer root.Close()
	// Looking before opening keeps pipes from holding us; the second look is at
	// what was opened.
	if err := regular(root.Stat(inner)); err != nil {
		return "", err
	}
	file, err := root.Open(inner)
	if err != nil {
		return "", regular(nil, err)
	}
	defer file.Close()
	if err := regular(file.Stat()); err != nil {
		return "", err
	}
	value, err := io.ReadAll(io.LimitReader(file, maxValue+1))
	if err != nil {
		return "", errors.New("the file of the secret cannot be read")
	}
	if len(value) > maxValue {
		return "", fmt.Errorf("the file of the secret is longer than %d bytes", maxValue)
	}
	return string(value), nil
}

// regular says what is wrong with a file, without its path, which people know
// that have typed it.
func regular(info fs.FileInfo, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no such file below the directory of secrets", ErrNotFound)
	case errors.Is(err, fs.ErrPermission):
		return errors.New("the file of the secret cannot be opened: make it readable for the server")
	case err != nil:
		return errors.New("the file of the secret cannot be opened: it has to lie in the directory of secrets, not behind a link out of it")
	case !info.Mode().IsRegular():
		return errors.New("the path of the secret names no regular file")
	}
	return nil
}

// Put answers ErrReadOnly.
func (f *Files) Put(context.Context, string, string) error { return ErrReadOnly }

// Delete answers ErrReadOnly.
func (f *Files) Delete(context.Context, string) error { return ErrReadOnly }
