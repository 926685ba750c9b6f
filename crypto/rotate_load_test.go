package crypto_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
)

// TestRotationUnderLoad reads and writes all the time while keys change.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	const values, rounds, workers = 60, 5, 4
	ring := ringOf(t, crypto.GenerateKey())
	s := &rows{values: make([]string, values)}
	for id := 1; id <= values; id++ {
		text, err := ring.Seal([]byte(secretOf(id)), place(int64(id)))
		require.NoError(t, err)
		s.set(id, text)
	}

	stop := make(chan struct{})
	failures := make(chan error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for ops := 0; ; ops++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := readOrWrite(ring, s, 1+rand.IntN(values), w%2 == 0); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	rotator := crypto.Rotator{Ring: ring, Source: s, Batch: 7}
	for range rounds {
		require.NoError(t, ring.Add(crypto.GenerateKey()))
		report, err := rotator.Run(t.Context())
		require.NoError(t, err)
		require.Zero(t, report.Failed)
	}
	close(stop)
	wg.Wait()
	close(failures)
	require.NoError(t, <-failures)

	// A writer may have held a value of an older key: the second Run is clean.
	_, err := rotator.Run(t.Context())
	require.NoError(t, err)
	report, err := rotator.Run(t.Context())
	require.NoError(t, err)
	require.True(t, report.Clean())
	for _, id := range ring.IDs()[1:] {
		require.NoError(t, ring.Forget(id))
	}
	require.Len(t, ring.IDs(), 1)
	requireAllOpen(t, ring, s)
}

func readOrWrite(ring *crypto.Ring, s *rows, id int, write bool) error {
	ad := place(int64(id))
	if write {
		text, err := ring.Seal([]byte(secretOf(id)), ad)
		if err != nil {
			return err
		}
		s.set(id, text)
		return nil
	}
	plain, err := ring.Open(s.get(id), ad)
	if err != nil {
		return err
	}
	if string(plain) != secretOf(id) {
		return fmt.Errorf("row %d opens to something else", id)
	}
	return nil
}
