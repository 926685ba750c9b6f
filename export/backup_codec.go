package export

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/internal/jsontext"
)

// Limits of a backup.
const (
	MaxBackupBytes  = 64 << 20  // of a file
	MaxBackupDepth  = 64        // levels that its JSON may nest
	MaxBackupRows   = 10_000    // of one kind
	maxBackupNodes  = 200_000   // objects and arrays in the file
	maxBackupValues = 2_000_000 // values in the file
)

var objectType = reflect.TypeFor[map[string]any]()

// Encode writes the backup as Semaphore UI does: JSON in indented lines. One with
// secrets is refused with [ErrSecrets]: see [Backup.Encrypt].
func (b *Backup) Encode(w io.Writer) error {
	if b.HasSecrets() {
		return ErrSecrets
	}
	return b.encode(w)
}

func (b *Backup) encode(w io.Writer) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

// HasSecrets tells whether the backup holds the content of a key or of saved
// parameters.
func (b *Backup) HasSecrets() bool {
	for i := range b.Keys {
		if b.Keys[i].Own.Secret != nil {
			return true
		}
	}
	has := func(p *BackupParams) bool { return p != nil && p.Own.Secret != nil }
	for i := range b.Schedules {
		if has(b.Schedules[i].TaskParams) {
			return true
		}
	}
	for i := range b.Integrations {
		if has(b.Integrations[i].TaskParams) {
			return true
		}
	}
	return false
}

// Decode reads a backup in place of what b held. file names it in errors and may
// be "". What is larger than the limits, damaged, encrypted, or holds secrets in
// clear, is a *[BackupError]; members that are not known are ignored. Whether the
// rows make sense is for [Check] to tell.
func (b *Backup) Decode(r io.Reader, file string) error {
	data, err := readAll(r, file)
	if err != nil {
		return err
	}
	if IsEncrypted(data) {
		return &BackupError{File: file, Reason: ErrEncrypted.Error(), cause: ErrEncrypted}
	}
	if err := b.unmarshal(data, file); err != nil {
		return err
	}
	if b.HasSecrets() {
		*b = Backup{}
		return &BackupError{File: file, Reason: "holds secrets in clear: secrets belong into encrypted backups only, so take them out", cause: ErrSecrets}
	}
	return nil
}

func readAll(r io.Reader, file string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBackupBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	if len(data) > MaxBackupBytes {
		return nil, tooLarge(file, fmt.Sprintf("is larger than %d MiB: this is no backup of a project", MaxBackupBytes>>20))
	}
	return data, nil
}

func tooLarge(file, reason string) error {
	return &BackupError{File: file, Reason: reason, cause: ErrLarge}
}

func (b *Backup) unmarshal(data []byte, file string) error {
	if err := checkShape(data); err != nil {
		var bad *BackupError
		if errors.As(err, &bad) {
			bad.File = file
		}
		return err
	}
	read := Backup{file: file}
	if err := json.Unmarshal(data, &read); err != nil {
		return &BackupError{File: file, Field: jsonField(err), Reason: jsonReason(err)}
	}
	*b = read
	return b.checkHead(data)
}

// checkHead refuses JSON that is no backup, and backups of newer programs.
func (b *Backup) checkHead(data []byte) error {
	var head struct {
		Meta json.RawMessage `json:"meta"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return &BackupError{File: b.file, Reason: "is no JSON object: choose a backup of a project"}
	}
	if len(head.Meta) == 0 || head.Meta[0] != '{' {
		return &BackupError{File: b.file, Field: "meta", Reason: "is missing: choose a backup of a project"}
	}
	if b.Own == nil {
		return nil
	}
	switch v := b.Own.Version; {
	case v > BackupVersion:
		return &BackupError{File: b.file, Field: "semaphore_go.version", Reason: fmt.Sprintf("is %d, a newer program wrote the file: update this one, which knows %d", v, BackupVersion)}
	case v < 1:
		return &BackupError{File: b.file, Field: "semaphore_go.version", Reason: "is missing: the file was changed, take another copy"}
	}
	return nil
}

func jsonField(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return clip(kind.Field, 100)
	}
	return ""
}

// jsonReason says what is wrong with JSON, without the words of Go.
func jsonReason(err error) string {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	var bad *BackupError
	switch {
	case errors.As(err, &bad):
		return bad.Reason
	case errors.As(err, &kind):
		return fmt.Sprintf("is a JSON %s where another kind of value belongs: correct the file", clip(kind.Value, 40))
	case errors.As(err, &syntax):
		return fmt.Sprintf("is no JSON, or was cut off, at byte %d: take another copy", syntax.Offset)
	}
	return clip(strings.ReplaceAll(err.Error(), "json: ", ""), 200)
}

// checkShape refuses JSON that would take much room once read, before anything
// is built of it, and text that databases do not take.
func checkShape(data []byte) error {
	if !utf8.Valid(data) {
		return &BackupError{Reason: "is no UTF-8 text: take another copy"}
	}
	if jsontext.HasNUL(data) {
		return &BackupError{Reason: "has a text with a NUL character: take it out"}
	}
	depth, nodes, values, text, escaped := 0, 0, 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case text:
			escaped, text = c == '\\', c != '"'
		case c == '"':
			text = true
		case c == ',':
			values++
		case c == '{' || c == '[':
			depth++
			nodes++
		case c == '}' || c == ']':
			depth--
		}
		switch {
		case depth > MaxBackupDepth:
			return tooLarge("", fmt.Sprintf("nests deeper than %d levels: this is no backup of a project", MaxBackupDepth))
		case nodes > maxBackupNodes, values > maxBackupValues:
			return tooLarge("", "holds too many objects: this is no backup of a project")
		}
	}
	return nil
}
