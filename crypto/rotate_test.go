package crypto_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

var errSource = errors.New("the source is gone")

// rows is a SealedSource in memory; its values have the ids 1, 2, 3...
type rows struct {
	mu     sync.Mutex
	values []string
	calls  int
	failAt int                      // 0: never
	before func(crypto.SealedValue) // runs ahead of a Reseal
}

func (s *rows) call() error {
	s.calls++
	if s.calls == s.failAt {
		return errSource
	}
	return nil
}

func (s *rows) get(id int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[id-1]
}

func (s *rows) set(id int, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[id-1] = value
}

func (s *rows) Sealed(_ context.Context, after string, limit int) ([]crypto.SealedValue, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call(); err != nil {
		return nil, "", err
	}
	from, _ := strconv.Atoi(after)
	to := min(from+limit, len(s.values))
	var page []crypto.SealedValue
	for i := from; i < to; i++ {
		page = append(page, crypto.SealedValue{AD: place(int64(i + 1)), Value: s.values[i], Cursor: strconv.Itoa(i)})
	}
	if to == len(s.values) {
		return page, "", nil
	}
	return page, strconv.Itoa(to), nil
}

func (s *rows) Reseal(_ context.Context, v crypto.SealedValue, sealed string) (bool, error) {
	if s.before != nil {
		s.before(v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call(); err != nil {
		return false, err
	}
	i, err := strconv.Atoi(v.Cursor)
	if err != nil || s.values[i] != v.Value {
		return false, err
	}
	s.values[i] = sealed
	return true, nil
}

func secretOf(id int) string { return fmt.Sprintf("correct-horse-%d", id) }

// fill seals n values; every third is binary.
func fill(t *testing.T, r *crypto.Ring, n int) *rows {
	t.Helper()
	s := &rows{}
	for id := 1; id <= n; id++ {
		if id%3 == 0 {
			blob, err := r.SealBytes([]byte(secretOf(id)), place(int64(id)))
			require.NoError(t, err)
			s.values = append(s.values, string(blob))
			continue
		}
		text, err := r.Seal([]byte(secretOf(id)), place(int64(id)))
		require.NoError(t, err)
		s.values = append(s.values, text)
	}
	return s
}

func requireAllOpen(t *testing.T, r *crypto.Ring, s *rows) {
	t.Helper()
	for i, value := range s.values {
		open := func() ([]byte, error) { return r.Open(value, place(int64(i+1))) }
		if value[0] == 0xff {
			open = func() ([]byte, error) { return r.OpenBytes([]byte(value), place(int64(i+1))) }
		}
		plain, err := open()
		require.NoError(t, err)
		require.Equal(t, secretOf(i+1), string(plain))
	}
}

func TestRotatorSealsEverythingAgain(t *testing.T) {
	t.Parallel()
	old, fresh := keyOf(t, 16), keyOf(t, 32)
	ring := ringOf(t, old)
	s := fill(t, ring, 25)
	require.NoError(t, ring.Add(fresh))

	rotator := crypto.Rotator{Ring: ring, Source: s, Batch: 10}
	report, err := rotator.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, crypto.Report{Primary: fresh.ID(), Done: 25}, report)
	require.False(t, report.Clean())

	report, err = rotator.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, crypto.Report{Primary: fresh.ID(), Skipped: 25}, report)
	require.True(t, report.Clean())
	requireAllOpen(t, ringOf(t, fresh), s)
}

// TestRotatorGoesOnAfterItWasStopped lets the source fail at its first, its
// second, ... call, and runs again.
func TestRotatorGoesOnAfterItWasStopped(t *testing.T) {
	t.Parallel()
	const n = 7
	old, fresh := keyOf(t, 16), keyOf(t, 32)
	for failAt := 1; ; failAt++ {
		ring := ringOf(t, old)
		s := fill(t, ring, n)
		s.failAt = failAt
		require.NoError(t, ring.Add(fresh))
		rotator := crypto.Rotator{Ring: ring, Source: s, Batch: 3}
		first, err := rotator.Run(t.Context())
		requireAllOpen(t, ring, s)
		if err == nil {
			require.Equal(t, 1+n+3, failAt, "each of 7 values and 3 pages failed once")
			return
		}
		require.ErrorIs(t, err, errSource)
		second, err := rotator.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, n, first.Done+second.Done, "nothing is done twice")
		require.Equal(t, first.Done, second.Skipped)
		requireAllOpen(t, ringOf(t, fresh), s)
	}
}

func TestRotatorStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, keyOf(t, 16))
	s := fill(t, ring, 10)
	require.NoError(t, ring.Add(keyOf(t, 32)))
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	s.before = func(v crypto.SealedValue) {
		if v.AD.ID == 4 {
			cancel(why)
		}
	}
	report, err := crypto.Rotator{Ring: ring, Source: s, Batch: 4}.Run(ctx)
	require.ErrorIs(t, err, why)
	require.Equal(t, 4, report.Done)
}

func TestRotatorLeavesOthersChangesAlone(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, keyOf(t, 16))
	s := fill(t, ring, 5)
	require.NoError(t, ring.Add(keyOf(t, 32)))
	theirs, err := ring.Seal([]byte("theirs"), place(2))
	require.NoError(t, err)
	s.before = func(v crypto.SealedValue) {
		if v.AD.ID == 2 {
			s.set(2, theirs)
		}
	}
	report, err := crypto.Rotator{Ring: ring, Source: s}.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, report.Done)
	require.Equal(t, 1, report.Changed)
	require.False(t, report.Clean())
	require.Equal(t, theirs, s.get(2))
}

func TestRotatorReportsWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, keyOf(t, 16))
	s := fill(t, ring, 6)
	require.NoError(t, ring.Add(keyOf(t, 32)))
	planted := "Y29ycmVjdC1ob3JzZQ=="
	lost, err := ringOf(t, keyOf(t, 24)).Seal([]byte("x"), place(4))
	require.NoError(t, err)
	moved := s.get(6)
	s.set(1, "")
	s.set(2, planted)
	s.set(3, moved)
	s.set(4, lost)

	var log bytes.Buffer
	report, err := crypto.Rotator{Ring: ring, Source: s, Log: slog.New(slog.NewTextHandler(&log, nil))}.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, report.Done)
	require.Equal(t, 1, report.Skipped)
	require.Equal(t, 3, report.Failed)
	require.Equal(t, []crypto.AD{place(2), place(3), place(4)}, report.Unopened)
	require.Equal(t, []string{planted, moved, lost}, []string{s.get(2), s.get(3), s.get(4)})
	require.Contains(t, log.String(), "table=access_key project_id=3 id=4 field=secret")
	require.Contains(t, log.String(), "key fab87fdd is missing")
	require.NotContains(t, log.String(), planted)
	require.NotContains(t, log.String(), lost)
}

func TestRotatorListsAHundredFailures(t *testing.T) {
	t.Parallel()
	s := fill(t, ringOf(t, keyOf(t, 16)), 250)
	report, err := crypto.Rotator{Ring: ringOf(t, keyOf(t, 32)), Source: s}.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 250, report.Failed)
	require.Len(t, report.Unopened, 100)
}

// stuck never gets to the end.
type stuck struct{ rows }

func (*stuck) Sealed(context.Context, string, int) ([]crypto.SealedValue, string, error) {
	return nil, "7", nil
}

func TestRotatorRefuses(t *testing.T) {
	t.Parallel()
	_, err := crypto.Rotator{}.Run(t.Context())
	require.EqualError(t, err, "rotate: Rotator needs a Ring and a Source")
	_, err = crypto.Rotator{Ring: ringOf(t, keyOf(t, 16)), Source: &stuck{}}.Run(t.Context())
	require.EqualError(t, err, "rotate: the source returns the cursor it was given")
}
