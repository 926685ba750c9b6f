package pool

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// Rotate seals everything in the store with the ring's primary key that is
// sealed with an older one, while the pool goes on. A rotation that was killed
// goes on where it was when it is started again.
//
// An older key may be forgotten after a clean report, once the tasks have ended
// that were added before: their secret survey values and bundles stay sealed as
// they were.
func (p *TaskPool) Rotate(ctx context.Context) (crypto.Report, error) {
	r := crypto.Rotator{Ring: p.cfg.Ring, Source: sealedSource{p.st.Sealed()}, Log: p.cfg.Log}
	report, err := r.Run(ctx)
	if err != nil {
		return report, fmt.Errorf("rotate keys: %w", err)
	}
	return report, nil
}

// sealedSource shows a store's sealed values to the rotator.
type sealedSource struct{ st store.SealedStore }

func (s sealedSource) Sealed(ctx context.Context, after string, limit int) ([]crypto.SealedValue, string, error) {
	values, next, err := s.st.List(ctx, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list sealed values: %w", err)
	}
	list := make([]crypto.SealedValue, len(values))
	for i, v := range values {
		list[i] = crypto.SealedValue{AD: crypto.AD{Table: v.Table, ProjectID: v.ProjectID, ID: v.ID, Field: v.Field}, Value: v.Value}
	}
	return list, next, nil
}

func (s sealedSource) Reseal(ctx context.Context, v crypto.SealedValue, sealed string) (bool, error) {
	return s.st.Replace(ctx, store.SealedValue{
		Table: v.AD.Table, ProjectID: v.AD.ProjectID, ID: v.AD.ID, Field: v.AD.Field, Value: v.Value,
	}, sealed)
}
