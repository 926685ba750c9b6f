package pool

import (
	"context"
	"fmt"
	"strconv"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// Rotate seals everything in the store with the ring's primary key that is
// sealed with an older one, while the pool goes on. A rotation that was killed
// goes on where it was when it is started again.
//
// An older key may be forgotten after a clean report, once the tasks that wait
// for confirmation have ended: their bundles stay sealed as they were.
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
		ad := crypto.AD{Table: v.Table, ProjectID: v.ProjectID, ID: v.ID, Field: v.Field}
		if boundInside(ad) {
			ad.ID = 0
		}
		list[i] = crypto.SealedValue{AD: ad, Value: v.Value, Cursor: strconv.FormatInt(v.ID, 10)}
	}
	return list, next, nil
}

func (s sealedSource) Reseal(ctx context.Context, v crypto.SealedValue, sealed string) (bool, error) {
	id, err := strconv.ParseInt(v.Cursor, 10, 64)
	if err != nil {
		return false, fmt.Errorf("id of sealed value: %w", err)
	}
	return s.st.Replace(ctx, store.SealedValue{
		Table: v.AD.Table, ProjectID: v.AD.ProjectID, ID: id, Field: v.AD.Field, Value: v.Value,
	}, sealed)
}

// boundInside tells whether values of a field were sealed before their row had
// an id.
func boundInside(ad crypto.AD) bool {
	return ad.Table == surveyField.Table && ad.Field == surveyField.Field ||
		ad.Table == stateField.Table && ad.Field == stateField.Field
}
