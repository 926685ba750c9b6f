package crypto

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

const (
	defaultBatch = 100
	batchPause   = 5 * time.Millisecond // long enough for waiting writers to go first
	maxUnopened  = 100
)

// SealedValue is one sealed value of a [SealedSource].
type SealedValue struct {
	AD     AD
	Value  string // of Ring.Seal, or the bytes of Ring.SealBytes; "" is no secret
	Cursor string // the source's own note; the Rotator hands it back
}

// SealedSource lists and replaces sealed values, usually those of a database.
// One Run calls it from one goroutine.
type SealedSource interface {
	// Sealed returns up to limit values behind the cursor after, "" being the
	// start, in an order that does not change when values do, and the cursor
	// to go on from, "" at the end. A page may be empty.
	Sealed(ctx context.Context, after string, limit int) (values []SealedValue, next string, err error)
	// Reseal replaces v by sealed if the stored value is still v.Value, in one
	// short transaction. It returns false if it is not, or is gone.
	Reseal(ctx context.Context, v SealedValue, sealed string) (bool, error)
}

// Rotator seals again, with the primary key, whatever another key of the ring
// sealed, while readers and writers go on.
type Rotator struct {
	Ring   *Ring
	Source SealedSource
	Batch  int          // values per page. Defaults to 100
	Log    *slog.Logger // one warning per value that does not open. Defaults to none
}

// Report counts the values a [Rotator] saw.
type Report struct {
	Primary  string // id of the primary key at the start
	Done     int    // sealed again
	Skipped  int    // current already, or empty
	Changed  int    // changed or deleted by somebody else meanwhile, and left alone
	Failed   int    // could not be opened, and left alone
	Unopened []AD   // the first 100 of these
}

// Clean tells that every value was current. Older keys may be forgotten after a
// clean Run, if every process had the new primary key for longer than a write
// takes when that Run started: before, a value sealed with an older key may
// still be on its way to the store.
func (r Report) Clean() bool { return r.Done+r.Changed+r.Failed == 0 }

// Run walks all values once. It stops at the first error of the source or when
// ctx ends, with the counts so far; running it again goes on, because what is
// done is current. Between two pages it pauses so that other writers go first.
// Values of Semaphore UI do not open here: whoever imports them seals them.
func (r Rotator) Run(ctx context.Context) (Report, error) {
	if r.Ring == nil || r.Source == nil {
		return Report{}, errors.New("rotate: Rotator needs a Ring and a Source")
	}
	if r.Batch <= 0 {
		r.Batch = defaultBatch
	}
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	report := Report{Primary: r.Ring.Primary()}
	for after := ""; ; {
		values, next, err := r.Source.Sealed(ctx, after, r.Batch)
		if err != nil {
			return report, fmt.Errorf("rotate: list sealed values: %w", err)
		}
		for _, v := range values {
			if err := r.value(ctx, v, &report); err != nil {
				return report, fmt.Errorf("rotate: %w", err)
			}
		}
		if next == "" {
			return report, nil
		}
		if next == after {
			return report, errors.New("rotate: the source returns the cursor it was given")
		}
		after = next
		if err := pause(ctx); err != nil {
			return report, fmt.Errorf("rotate: %w", err)
		}
	}
}

func (r Rotator) value(ctx context.Context, v SealedValue, report *Report) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	binary := strings.HasPrefix(v.Value, binaryMagic)
	if v.Value == "" || r.Ring.Current(v.Value) || binary && r.Ring.CurrentBytes([]byte(v.Value[:min(binaryHead, len(v.Value))])) {
		report.Skipped++
		return nil
	}
	sealed, err := r.again(v, binary)
	if err != nil {
		report.Failed++
		if len(report.Unopened) < maxUnopened {
			report.Unopened = append(report.Unopened, v.AD)
		}
		r.Log.WarnContext(ctx, "sealed value does not open", "table", v.AD.Table, "project_id", v.AD.ProjectID, "id", v.AD.ID, "field", v.AD.Field, "error", err)
		return nil
	}
	replaced, err := r.Source.Reseal(ctx, v, sealed)
	switch {
	case err != nil:
		return fmt.Errorf("replace %v: %w", v.AD, err)
	case replaced:
		report.Done++
	default:
		report.Changed++
	}
	return nil
}

func (r Rotator) again(v SealedValue, binary bool) (string, error) {
	if binary {
		plain, err := r.Ring.OpenBytes([]byte(v.Value), v.AD)
		if err != nil {
			return "", err
		}
		defer clear(plain)
		blob, err := r.Ring.SealBytes(plain, v.AD)
		return string(blob), err
	}
	plain, err := r.Ring.Open(v.Value, v.AD)
	if err != nil {
		return "", err
	}
	defer clear(plain)
	return r.Ring.Seal(plain, v.AD)
}

func pause(ctx context.Context) error {
	t := time.NewTimer(batchPause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
