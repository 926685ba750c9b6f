package job

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

const (
	spoolPrefix = "reports-"
	spoolLock   = "worker.lock"
)

// openSpool takes a directory for one Worker.
func openSpool(dir string) (unlock func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool directory: %w", err)
	}
	lock, err := flock.Try(filepath.Join(dir, spoolLock))
	if errors.Is(err, flock.ErrHeld) {
		return nil, fmt.Errorf("spool directory %s is in use by another worker: give each its own", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock spool directory: %w", err)
	}
	return lock.Unlock, nil
}

// spoolHead is the first record of a spool file.
type spoolHead struct {
	Lease Lease `json:"lease"`
}

// spool is a file of reports, oldest first: each record is a length of four
// bytes and JSON, and the first one tells whose they are. The file is made when
// it is first needed. It outlives this process but not the machine, so nothing
// is synced.
type spool struct {
	dir     string
	lease   Lease
	file    *os.File
	head    int64 // behind the first record
	from    int64 // where the oldest report that was not read begins
	end     int64 // behind the newest report
	waiting int   // reports that were not read
}

// open makes the file.
func (s *spool) open() error {
	if s.file != nil {
		return nil
	}
	file, err := os.CreateTemp(s.dir, spoolPrefix) // mode 0600
	if err != nil {
		return fmt.Errorf("make spool file: %w", err)
	}
	record, err := spoolRecord(spoolHead{s.lease})
	if err == nil {
		_, err = file.Write(record)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write spool file: %w", err), file.Close(), os.Remove(file.Name()))
	}
	s.file, s.head = file, int64(len(record))
	s.from, s.end = s.head, s.head
	return nil
}

func spoolRecord(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...), nil
}

// write adds r. After an error the file is as it was.
func (s *spool) write(r Report) error {
	if err := s.append(r); err != nil {
		return err
	}
	s.waiting++
	return nil
}

// copy adds reports that are in memory too, for whoever finds the file when this
// process is dead; they are never read here.
func (s *spool) copy(reports []Report) error {
	if err := s.open(); err != nil {
		return err
	}
	before := s.end
	for _, r := range reports {
		if err := s.append(r); err != nil {
			s.end = before
			return err
		}
	}
	s.from = s.end
	return nil
}

func (s *spool) append(r Report) error {
	if err := s.open(); err != nil {
		return err
	}
	record, err := spoolRecord(r)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if _, err := s.file.WriteAt(record, s.end); err != nil {
		return fmt.Errorf("write spool file: %w", err)
	}
	s.end += int64(len(record))
	return nil
}

// read takes the oldest report out, which stays in the file until reset. After
// an error the file is empty, and lost is how many reports it had.
func (s *spool) read() (r Report, lost int, err error) {
	var size [4]byte
	if _, err = s.file.ReadAt(size[:], s.from); err == nil {
		text := make([]byte, min(int64(binary.BigEndian.Uint32(size[:])), s.end-s.from))
		if _, err = s.file.ReadAt(text, s.from+4); err == nil {
			err = json.Unmarshal(text, &r)
		}
		s.from += 4 + int64(len(text))
	}
	if err != nil {
		lost = s.waiting
		s.reset()
		return r, lost, err
	}
	s.waiting--
	return r, 0, nil
}

// reset empties the file, whose reports were all delivered. Where it cannot be
// cut it goes on growing.
func (s *spool) reset() {
	s.waiting, s.from = 0, s.end
	if s.file != nil && s.file.Truncate(s.head) == nil {
		s.from, s.end = s.head, s.head
	}
}

// close ends the use of the file, and removes it unless it is kept.
func (s *spool) close(keep bool) error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if !keep {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	s.file = nil
	return err
}
