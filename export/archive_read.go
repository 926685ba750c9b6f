package export

import (
	"archive/tar"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/alexandervashurin/semaphore/store"
)

// archiveReader reads an archive. One row at a time is in memory.
type archiveReader struct {
	body *bodyReader
	zip  *zstd.Decoder
	tar  *tar.Reader
	sums archiveContents // as they were read
	read func(table string, rows, bytes int64)
}

// newArchiveReader reads up to the manifest.
func newArchiveReader(r io.Reader, read func(table string, rows, bytes int64)) (*archiveReader, Manifest, error) {
	var m Manifest
	a := &archiveReader{body: newBodyReader(r), read: read}
	magic, err := a.body.peek(4)
	if err != nil {
		return nil, m, err
	}
	if !bytes.Equal(magic, []byte{0x28, 0xB5, 0x2F, 0xFD}) {
		return nil, m, ErrNotArchive
	}
	a.zip, err = zstd.NewReader(a.body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxArchiveWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, m, fmt.Errorf("read archive: %w", err)
	}
	a.tar = tar.NewReader(&ratioReader{r: a.zip, in: a.body})
	a.sums.Tables, a.sums.Parts = map[string]int64{}, []partSum{}
	m, err = a.manifest()
	if err != nil {
		a.close()
		return nil, m, err
	}
	return a, m, nil
}

func (a *archiveReader) close() { a.zip.Close() }

// next returns the next file inside.
func (a *archiveReader) next() (*tar.Header, error) {
	head, err := a.tar.Next()
	if err != nil {
		return nil, a.fault("", err)
	}
	if head.Typeflag != tar.TypeReg || head.Size < 0 {
		return nil, &ArchiveError{Part: head.Name, Err: damaged("it is no plain file")}
	}
	return head, nil
}

// fault says what an error of the layers beneath means. That of the file itself
// stays what it is.
func (a *archiveReader) fault(part string, err error) error {
	switch {
	case a.body.failed != nil:
		return a.body.failed
	case errors.Is(err, ErrArchiveDamaged):
	case errors.Is(err, io.EOF):
		err = damaged("it ends too early")
	default:
		err = damaged("%w", err)
	}
	return &ArchiveError{Part: part, Err: err}
}

func (a *archiveReader) manifest() (m Manifest, err error) {
	head, err := a.next()
	if err != nil {
		return m, err
	}
	if head.Name != archiveManifest || head.Size > maxArchiveHead {
		return m, ErrNotArchive
	}
	text, err := io.ReadAll(a.tar)
	if err != nil {
		return m, a.fault(archiveManifest, err)
	}
	sum := sha256.Sum256(text)
	a.sums.Manifest = hex.EncodeToString(sum[:])
	if err := json.Unmarshal(text, &m); err != nil {
		return m, &ArchiveError{Part: archiveManifest, Err: damaged("it is no JSON")}
	}
	switch {
	case m.Format != archiveFormat:
		return m, ErrNotArchive
	case m.Version > archiveVersion:
		return m, ErrArchiveNewer
	case m.Version < 1 || m.Schema < 1:
		return m, &ArchiveError{Part: archiveManifest, Err: damaged("it has no version")}
	}
	return m, nil
}

// each calls f for all records, and checks that nothing is missing.
func (a *archiveReader) each(f func(store.Record) error) error {
	for {
		head, err := a.next()
		if err != nil {
			return err
		}
		if head.Name == archiveSums {
			return a.finish(head)
		}
		if !strings.HasPrefix(head.Name, archiveParts) {
			return &ArchiveError{Part: head.Name, Err: damaged("no such file belongs here")}
		}
		if head.Size > maxArchiveRecord+2*archivePart {
			return &ArchiveError{Part: head.Name, Err: damaged("it is too large")}
		}
		if err := a.part(head, f); err != nil {
			return err
		}
	}
}

// part reads one part.
func (a *archiveReader) part(file *tar.Header, f func(store.Record) error) error {
	sum := sha256.New()
	lines := bufio.NewReaderSize(io.TeeReader(a.tar, sum), 64<<10)
	var head partHead
	text, err := readLine(lines)
	if err != nil {
		return a.fault(file.Name, err)
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Table == "" || len(head.Columns) == 0 || len(head.Columns) > maxArchiveColumns {
		return &ArchiveError{Part: file.Name, Line: 1, Err: damaged("it does not name table and columns")}
	}
	rows := int64(0)
	for {
		text, err := readLine(lines)
		if errors.Is(err, io.EOF) && a.body.failed == nil {
			break
		}
		if err != nil {
			return a.fault(file.Name, err)
		}
		rows++
		at := ArchiveError{Part: file.Name, Line: int(rows) + 1, Table: head.Table}
		values, column, err := parseRow(text, len(head.Columns))
		if err != nil {
			at.Err = damaged("%w", err)
			if column >= 0 {
				at.Field = head.Columns[column]
			}
			return &at
		}
		r := store.Record{Table: head.Table, Columns: head.Columns, Values: values}
		if err := f(r); err != nil {
			return at.wrap(err, r)
		}
	}
	a.sums.Tables[head.Table] += rows
	a.sums.Parts = append(a.sums.Parts, partSum{file.Name, head.Table, rows, file.Size, hex.EncodeToString(sum.Sum(nil))})
	a.read(head.Table, rows, file.Size)
	return nil
}

// wrap adds the place to an error about a record. One that came later than the
// record has its own.
func (e *ArchiveError) wrap(err error, r store.Record) error {
	var refused *store.RecordError
	if !errors.As(err, &refused) {
		return err
	}
	e.Table, e.ID, e.Field, e.Err = refused.Table, refused.ID, refused.Column, fmt.Errorf("%s: %w", refused.Reason, store.ErrInvalid)
	if refused.Table != r.Table || refused.ID != r.ID() { // one of before
		e.Part, e.Line = "", 0
	}
	return e
}

// readLine reads a line without its end. io.EOF means that there is none.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		if len(line)+len(piece) > maxArchiveRecord {
			return nil, damaged("a line is too long")
		}
		switch {
		case err == nil && line == nil:
			return piece[:len(piece)-1], nil
		case err == nil:
			return append(line, piece[:len(piece)-1]...), nil
		case errors.Is(err, bufio.ErrBufferFull):
			line = append(line, piece...)
		case errors.Is(err, io.EOF) && len(line)+len(piece) > 0:
			return nil, damaged("a line has no end")
		default:
			return nil, err
		}
	}
}

// finish compares what was read with what the archive says of itself.
func (a *archiveReader) finish(file *tar.Header) error {
	if file.Size > maxArchiveSums {
		return &ArchiveError{Part: archiveSums, Err: damaged("it is too large")}
	}
	text, err := io.ReadAll(a.tar)
	if err != nil {
		return a.fault(archiveSums, err)
	}
	var want archiveContents
	if err := json.Unmarshal(text, &want); err != nil {
		return &ArchiveError{Part: archiveSums, Err: damaged("it is no JSON")}
	}
	if want.Manifest != a.sums.Manifest {
		return &ArchiveError{Part: archiveManifest, Err: damaged("its checksum is another one")}
	}
	for i, p := range want.Parts {
		if i >= len(a.sums.Parts) || a.sums.Parts[i] != p {
			return &ArchiveError{Part: p.Name, Err: damaged("it is not there, or its checksum is another one")}
		}
	}
	if len(want.Parts) != len(a.sums.Parts) || !sameCounts(want.Tables, a.sums.Tables) {
		return &ArchiveError{Part: archiveSums, Err: damaged("parts are missing")}
	}
	a.sums.Ended = want.Ended
	if _, err := a.tar.Next(); !errors.Is(err, io.EOF) || a.body.failed != nil {
		return a.fault(archiveSums, errors.Join(err, damaged("something is behind it")))
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(a.zip, 1<<20)); err != nil || n > 0 {
		return a.fault(archiveSums, errors.Join(err, damaged("something is behind it")))
	}
	return a.body.verify()
}

func sameCounts(a, b map[string]int64) bool {
	if len(a) != len(b) {
		return false
	}
	for name, n := range a {
		if b[name] != n {
			return false
		}
	}
	return true
}

// bodyReader reads all but the last frame, and sums up what it has read.
type bodyReader struct {
	r      *bufio.Reader
	sum    hash.Hash
	n      int64
	failed error // of the file, not of what is in it
	ended  bool
}

func newBodyReader(r io.Reader) *bodyReader {
	return &bodyReader{r: bufio.NewReaderSize(r, 256<<10), sum: sha256.New()}
}

func (b *bodyReader) peek(n int) ([]byte, error) {
	head, err := b.r.Peek(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = fmt.Errorf("read archive: %w", err)
		return nil, b.failed
	}
	return slices.Clone(head), nil
}

// Read keeps the last frame back.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	ahead, err := b.r.Peek(min(len(p)+sealSize, b.r.Size()))
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		b.failed = fmt.Errorf("read archive: %w", err)
		return 0, b.failed
	}
	n := min(len(ahead)-sealSize, len(p))
	if n <= 0 {
		b.ended = true
		return 0, io.EOF
	}
	copy(p, ahead[:n])
	_, _ = b.sum.Write(ahead[:n])
	_, _ = b.r.Discard(n)
	b.n += int64(n)
	return n, nil
}

// verify checks the last frame.
func (b *bodyReader) verify() error {
	if _, err := io.Copy(io.Discard, b); err != nil {
		return err
	}
	last, err := b.r.Peek(sealSize)
	if err != nil || !bytes.Equal(last, sealFrame(b.sum.Sum(nil))) {
		return &ArchiveError{Err: damaged("its checksum is another one")}
	}
	return nil
}

// ratioReader refuses what unpacks to far more than any archive does.
type ratioReader struct {
	r   io.Reader
	in  *bodyReader
	out int64
}

// Read counts.
func (r *ratioReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.out += int64(n)
	if r.out > freeArchiveBytes && r.out/maxArchiveRatio > r.in.n {
		return 0, damaged("it unpacks to more than %d times its size", maxArchiveRatio)
	}
	return n, err
}
