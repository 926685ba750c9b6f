package export

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers branch on.
var (
	// ErrBackup says that a file cannot be restored. The error is a *[BackupError].
	ErrBackup = errors.New("backup cannot be restored")
	// ErrLarge says that a file is beyond the limits.
	ErrLarge = errors.New("backup is too large")
	// ErrNameTaken says that there is a project of that name already.
	ErrNameTaken = errors.New("a project has that name already: choose another one")
	// ErrEncrypted says that a backup is encrypted where a plain one is expected.
	ErrEncrypted = errors.New("the backup is encrypted: open it with its passphrase or key")
	// ErrNotEncrypted says that a backup is plain where an encrypted one is expected.
	ErrNotEncrypted = errors.New("the backup is not encrypted: restore it without passphrase and key")
	// ErrWrongKey says that another passphrase or key has closed a backup.
	ErrWrongKey = errors.New("another passphrase or key has closed the backup")
	// ErrSecrets says that a backup with secrets would be written in clear.
	ErrSecrets = errors.New("the backup holds secrets: encrypt it")
)

// BackupError tells what of a file cannot be restored, and the cure. It is an
// [ErrBackup].
type BackupError struct {
	File   string // "" where it is not known
	Object string // such as template "deploy"; "" for the file as a whole
	Field  string // as in the file; "" for the object as a whole
	Reason string
	cause  error
}

// Error names file, object and field.
func (e *BackupError) Error() string {
	parts := []string{"backup"}
	if e.File != "" {
		parts[0] += " " + e.File
	}
	for _, p := range []string{e.Object, e.Field} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ") + ": " + e.Reason
}

// Is makes it an ErrBackup.
func (e *BackupError) Is(target error) bool { return target == ErrBackup }

// Unwrap returns what else it is, such as an [ErrLarge].
func (e *BackupError) Unwrap() error { return e.cause }

// object names a row in errors.
func object(noun, name string) string { return fmt.Sprintf("%s %q", noun, clip(name, 60)) }

// clip shortens a text to n bytes at most.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xC0 == 0x80 {
		n--
	}
	return text[:n] + "…"
}
