package export

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/alexandervashurin/semaphore/store"
)

// archiveWriter writes an archive. One part at a time is in memory.
type archiveWriter struct {
	w       io.Writer
	sum     hash.Hash // of what went to w
	zip     *zstd.Encoder
	tar     *tar.Writer
	at      time.Time // of the files inside
	part    bytes.Buffer
	head    partHead
	rows    int64 // in the part
	line    []byte
	sums    archiveContents
	written func(table string, rows, bytes int64) // is told of each part
}

func newArchiveWriter(w io.Writer, m Manifest, written func(table string, rows, bytes int64)) (*archiveWriter, error) {
	a := &archiveWriter{sum: sha256.New(), at: m.Created, written: written}
	a.w = io.MultiWriter(w, a.sum)
	var err error
	a.zip, err = zstd.NewWriter(a.w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(archiveWindow), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	a.tar = tar.NewWriter(a.zip)
	a.sums.Tables, a.sums.Parts = map[string]int64{}, []partSum{}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	text = append(text, '\n')
	sum := sha256.Sum256(text)
	a.sums.Manifest = hex.EncodeToString(sum[:])
	return a, a.file(archiveManifest, text)
}

func (a *archiveWriter) file(name string, data []byte) error {
	head := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: a.at, Format: tar.FormatUSTAR}
	if len(data) >= 1<<33 {
		return fmt.Errorf("write archive: %s is too large", name)
	}
	if err := a.tar.WriteHeader(head); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if _, err := a.tar.Write(data); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

// add writes a record.
func (a *archiveWriter) add(r store.Record) (err error) {
	if r.Table != a.head.Table || a.part.Len() >= archivePart || !slices.Equal(r.Columns, a.head.Columns) {
		if err := a.begin(r); err != nil {
			return err
		}
	}
	a.line, err = appendRow(a.line[:0], r.Values)
	if err != nil {
		return fmt.Errorf("write archive: %s %d: %w", r.Table, r.ID(), err)
	}
	if len(a.line) >= maxArchiveRecord {
		return fmt.Errorf("write archive: %s %d takes %d bytes: more than %d fit no archive", r.Table, r.ID(), len(a.line), maxArchiveRecord)
	}
	a.part.Write(a.line)
	a.part.WriteByte('\n')
	if cap(a.line) > archivePart { // one row was large: the next ones are not
		a.line = nil
	}
	a.rows++
	return nil
}

// begin begins a part.
func (a *archiveWriter) begin(r store.Record) error {
	if err := a.flush(); err != nil {
		return err
	}
	a.head = partHead{r.Table, slices.Clone(r.Columns)}
	text, err := json.Marshal(a.head)
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	a.part.Write(text)
	a.part.WriteByte('\n')
	return nil
}

// flush writes the part that was gathered.
func (a *archiveWriter) flush() error {
	if a.rows == 0 {
		a.part.Reset()
		return nil
	}
	sum := sha256.Sum256(a.part.Bytes())
	p := partSum{
		Name:  fmt.Sprintf("%s%06d-%s.jsonl", archiveParts, len(a.sums.Parts)+1, a.head.Table),
		Table: a.head.Table, Rows: a.rows, Bytes: int64(a.part.Len()), SHA256: hex.EncodeToString(sum[:]),
	}
	if err := a.file(p.Name, a.part.Bytes()); err != nil {
		return err
	}
	a.sums.Parts = append(a.sums.Parts, p)
	a.sums.Tables[p.Table] += p.Rows
	a.rows = 0
	if a.part.Cap() > 4*archivePart {
		a.part = bytes.Buffer{}
	}
	a.part.Reset()
	a.written(p.Table, p.Rows, p.Bytes)
	return nil
}

// close writes what ends an archive.
func (a *archiveWriter) close() error {
	if err := a.flush(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(a.sums, "", " ")
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if len(text) >= maxArchiveSums {
		return fmt.Errorf("write archive: there are %d parts: more than fit an archive: leave output out", len(a.sums.Parts))
	}
	if err := a.file(archiveSums, append(text, '\n')); err != nil {
		return err
	}
	if err := a.tar.Close(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := a.zip.Close(); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if _, err := a.w.Write(sealFrame(a.sum.Sum(nil))); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}
