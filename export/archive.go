package export

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// The form of an archive: a zstd frame around a tar file, and behind it a frame
// that zstd skips, with the SHA-256 of all bytes in front of it. So `tar --zstd`
// lists and unpacks it, and no byte can change unseen. The tar file holds
//
//	manifest.json           what the archive is, see Manifest
//	data/000001-user.jsonl  parts: a line with table and columns, then a line per row
//	sums.json               all parts with their rows, sizes and SHA-256
//
// A row is a JSON array: null, true, 1 and "text" are what they look like,
// {"b":"..."} is base64 of bytes, {"s":"..."} base64 of text that is no UTF-8, and
// {"f":"..."} a number with a fraction.
const (
	archiveFormat  = "semaphore-instance"
	archiveVersion = 1

	archiveManifest = "manifest.json"
	archiveSums     = "sums.json"
	archiveParts    = "data/"

	sealMagic = 0x184D2A5E // of a frame that zstd skips
	sealSize  = 8 + sha256.Size
)

// Limits of an archive, so that a small one cannot fill memory or disk.
const (
	archivePart       = 4 << 20   // bytes of rows after which a part ends
	maxArchiveRecord  = 128 << 20 // bytes of one line
	maxArchiveHead    = 1 << 20   // bytes of the manifest
	maxArchiveSums    = 64 << 20
	maxArchiveColumns = 200
	maxArchiveRatio   = 1000 // of packed to unpacked, once
	freeArchiveBytes  = 256 << 20
	archiveWindow     = 4 << 20
	maxArchiveWindow  = 8 << 20
)

// Errors that callers branch on.
var (
	// ErrArchiveDamaged tells that an archive was cut or changed.
	ErrArchiveDamaged = errors.New("the archive is damaged: export it again")
	// ErrNotArchive tells that a file is something else.
	ErrNotArchive = errors.New("this is no archive of an instance: semaphore export makes one")
	// ErrArchiveNewer tells that a newer program made an archive.
	ErrArchiveNewer = errors.New("a newer program has made the archive: update this one")
	// ErrNotWhole tells that a kind of store can be neither read out nor filled as
	// a whole.
	ErrNotWhole = errors.New("this kind of store cannot be exported or imported as a whole: use SQLite or PostgreSQL")
)

// ArchiveError tells where an archive is wrong.
type ArchiveError struct {
	Part  string // name of the file inside of the archive, "" where that is not known
	Line  int    // in the part, 0 for none
	Table string
	ID    int64
	Field string
	Err   error
}

// Error names part, line, row and field.
func (e *ArchiveError) Error() string {
	text := "archive"
	if e.Part != "" {
		text += ", " + e.Part
	}
	if e.Line > 0 {
		text = fmt.Sprintf("%s, line %d", text, e.Line)
	}
	if e.Table != "" {
		text += ": " + e.Table
	}
	if e.ID != 0 {
		text = fmt.Sprintf("%s %d", text, e.ID)
	}
	if e.Field != "" {
		text += ", " + e.Field
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *ArchiveError) Unwrap() error { return e.Err }

// damaged is an ErrArchiveDamaged with a reason.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrArchiveDamaged, fmt.Errorf(format, args...))
}

// sealFrame is the last frame of an archive.
func sealFrame(sum []byte) []byte {
	frame := binary.LittleEndian.AppendUint32(nil, sealMagic)
	frame = binary.LittleEndian.AppendUint32(frame, sha256.Size)
	return append(frame, sum...)
}

// partHead is the first line of a part.
type partHead struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// partSum is what the sums tell of a part.
type partSum struct {
	Name   string `json:"name"`
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// archiveContents is the last file of an archive.
type archiveContents struct {
	Manifest string           `json:"manifest_sha256"`
	Tables   map[string]int64 `json:"tables"` // rows
	Ended    int64            `json:"ended_tasks"`
	Parts    []partSum        `json:"parts"`
}
