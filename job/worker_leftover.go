package job

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Recover hands over what a Worker that is dead had printed and left in Spool,
// each report under the lease and the number that it had. Call it before the
// Source learns of that death, and before Run, which does it otherwise. It
// repeats what the Source does not answer, until ctx ends; what is left then
// stays for the next one. The error tells that Spool cannot be used.
func (w *Worker) Recover(ctx context.Context) error {
	w.init()
	if w.Source == nil {
		return errors.New("worker has no Source: give it one")
	}
	unlock, err := openSpool(w.Spool)
	if err != nil {
		return err
	}
	w.recover(ctx)
	return unlock()
}

// recover does so once; the spool is locked.
func (w *Worker) recover(ctx context.Context) {
	if w.Spool == "" || w.recovered {
		return
	}
	w.recovered = true
	files, err := filepath.Glob(filepath.Join(w.Spool, spoolPrefix+"*"))
	if err != nil {
		w.Log.Error("look for output of a dead worker", "error", err)
	}
	for _, file := range files {
		if err := w.recoverFile(ctx, file); err != nil {
			w.Log.Error("deliver output of a dead worker", "file", filepath.Base(file), "error", err)
		}
	}
}

// recoverFile delivers one file and removes it. Only the end of ctx keeps it.
func (w *Worker) recoverFile(ctx context.Context, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	reports := 0
	lease, err := readSpool(f, func(lease Lease, r Report) error {
		reports++
		return w.recoverReport(ctx, lease, r)
	})
	err = errors.Join(err, f.Close())
	if err != nil && ctx.Err() != nil {
		return err
	}
	if reports > 0 {
		w.Log.Info("delivered output of a dead worker", "task_id", lease.TaskID, "attempt", lease.Attempt, "reports", reports)
	}
	return errors.Join(err, os.Remove(file))
}

// recoverReport offers a report until it is answered. One that comes too late is
// kept as late, or refused, and so may be those that follow.
func (w *Worker) recoverReport(ctx context.Context, lease Lease, r Report) error {
	var wait backoff
	for {
		callCtx, cancel := context.WithTimeout(ctx, callTimeout)
		err := guard(func() error { return w.Source.Append(callCtx, lease, r) })
		cancel()
		switch {
		case err == nil, errors.Is(err, ErrLeaseLost):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case settled(err):
			return fmt.Errorf("append report: %w", err)
		}
		if wait == 0 {
			w.Log.Warn("append report of a dead worker", "task_id", lease.TaskID, "error", err)
		}
		pause(ctx, wait.next())
	}
}

// spoolRecordLimit bounds a record: a report has about 128 KiB of text.
const spoolRecordLimit = 64 << 20

// readSpool reads a file up to the first record that is not whole: its writer
// may have died there. What is no spool file has no reports.
func readSpool(r io.Reader, each func(Lease, Report) error) (Lease, error) {
	in := bufio.NewReader(r)
	var head spoolHead
	if !readSpoolRecord(in, &head) || head.Lease.ID == "" {
		return Lease{}, nil
	}
	for {
		var report Report
		if !readSpoolRecord(in, &report) {
			return head.Lease, nil
		}
		if err := each(head.Lease, report); err != nil {
			return head.Lease, err
		}
	}
}

func readSpoolRecord(in io.Reader, v any) bool {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return false
	}
	n := int64(binary.BigEndian.Uint32(size[:]))
	if n > spoolRecordLimit {
		return false
	}
	var text strings.Builder
	if copied, err := io.CopyN(&text, in, n); err != nil || copied < n {
		return false
	}
	return json.Unmarshal([]byte(text.String()), v) == nil
}
