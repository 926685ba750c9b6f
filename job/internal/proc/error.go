package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// StartError tells why the tool could not be started. errors.Is knows it as
// os.ErrNotExist, os.ErrPermission or a syscall.Errno, and as exec.ErrNotFound
// if the program is missing.
type StartError struct {
	Op   string // "exec", "chdir" or "user"
	Path string // the program, or the directory of chdir
	Hint string // what the system's message leaves out, or empty
	Err  error  // the system's error
}

// Error names what was tried and what is wrong with it.
func (e *StartError) Error() string {
	text := fmt.Sprintf("start %s: %v", e.Path, e.Err)
	switch e.Op {
	case "chdir":
		text = fmt.Sprintf("use working directory %s: %v", e.Path, e.Err)
	case "user":
		text = fmt.Sprintf("start %s as another user: %v", e.Path, e.Err)
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap returns the system's error.
func (e *StartError) Unwrap() error { return e.Err }

// Is makes a missing program an exec.ErrNotFound.
func (e *StartError) Is(target error) bool {
	return target == exec.ErrNotFound && e.Op == "exec" && e.Hint == "" && errors.Is(e.Err, os.ErrNotExist)
}

// startError finds out what the error of starting cfg is about: the system
// gives one number for directory, user and program together.
func startError(cfg Config, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if info, statErr := os.Stat(cfg.Dir); statErr != nil {
		if errors.As(statErr, &path) {
			statErr = path.Err
		}
		return &StartError{Op: "chdir", Path: cfg.Dir, Err: statErr}
	} else if !info.IsDir() {
		return &StartError{Op: "chdir", Path: cfg.Dir, Err: syscall.ENOTDIR}
	}
	e := &StartError{Op: "exec", Path: cfg.Path, Err: err}
	switch {
	case errors.Is(err, syscall.EPERM) && cfg.User != nil:
		e.Op, e.Hint = "user", "only root may"
	case errors.Is(err, syscall.EACCES) && cfg.User != nil:
		e.Hint = fmt.Sprintf("uid %d must be able to execute it and to enter %s", cfg.User.UID, cfg.Dir)
	case errors.Is(err, os.ErrNotExist) && exists(cfg):
		e.Hint = "its interpreter, see the #! line, or its loader is missing"
	case errors.Is(err, syscall.ENOEXEC):
		e.Hint = "no #! line, or made for another system"
	}
	return e
}

// exists reports whether the program is there, seen from its directory.
func exists(cfg Config) bool {
	path := cfg.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(cfg.Dir, path)
	}
	_, err := os.Stat(path)
	return err == nil
}
