package sqlite_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// TestACancelledWriteBreaksNothing ends the context of writes at random moments.
func TestACancelledWriteBreaksNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		timer := time.AfterFunc(rand.N(300*time.Microsecond), cancel)
		_ = s.InTx(ctx, func(ctx context.Context, tx store.Store) error {
			for range 3 {
				if err := tx.Options().Set(ctx, "a", "b"); err != nil {
					return err
				}
			}
			return nil
		})
		timer.Stop()
		cancel()
	}
}
