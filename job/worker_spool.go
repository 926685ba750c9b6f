package job

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

const (
	spoolPrefix = "reports-"
	spoolLock   = "worker.lock"
)

// openSpool takes a directory for one Worker and removes what a dead one left
// in it: its leases are not valid any more, so nobody would take its reports.
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
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), spoolPrefix) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("clear spool directory: %w", err), lock.Unlock())
	}
	return lock.Unlock, nil
}

// spool is a file of reports, oldest first: each is a length of four bytes and
// JSON. It is made when it is first needed, and emptied whenever everything was
// read. It serves this process alone, so nothing is synced.
type spool struct {
	dir     string
	file    *os.File
	from    int64 // where the oldest report begins
	end     int64 // behind the newest report
	waiting int   // reports in the file
}

// write adds r. After an error the file is as it was.
func (s *spool) write(r Report) error {
	if s.file == nil {
		file, err := os.CreateTemp(s.dir, spoolPrefix) // mode 0600
		if err != nil {
			return fmt.Errorf("make spool file: %w", err)
		}
		s.file = file
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	record := append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
	if _, err := s.file.WriteAt(record, s.end); err != nil {
		return fmt.Errorf("write spool file: %w", err)
	}
	s.end += int64(len(record))
	s.waiting++
	return nil
}

// read takes the oldest report out. After an error the file is empty, and lost
// is how many reports it had.
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
		lost, s.waiting = s.waiting, 0
	} else {
		s.waiting--
	}
	if s.waiting == 0 {
		s.from = s.end
		if s.file.Truncate(0) == nil {
			s.from, s.end = 0, 0
		}
	}
	return r, lost, err
}

// remove deletes the file.
func (s *spool) remove() error {
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Close(), os.Remove(s.file.Name()))
	s.file = nil
	return err
}
