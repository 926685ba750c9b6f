package export

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// ReadInstanceOptions say how an archive is read.
type ReadInstanceOptions struct {
	// Ring has to hold the keys that the secrets of the archive are sealed with:
	// without them it is a *crypto.MissingKeyError, before anything is read.
	Ring *crypto.Ring
	// DryRun reads and checks all, and leaves the store as it is. It takes as much
	// room for a while.
	DryRun bool
	// Progress is told after each few megabytes. Defaults to nobody.
	Progress func(Progress)
}

// ReadInstance fills a store with an archive of [WriteInstance], of whatever kind
// of store that was. The store has to be a store.Stager, else it is
// [ErrNotWhole], and empty, else store.ErrNotEmpty, and no server may work on it,
// else a *store.OwnedError. Afterwards it has to be closed and opened again.
//
// Everything is read and checked before any of it can be seen; then it is there
// in one step. After an error, or the death of the process, the store is what it
// was. An *[ArchiveError] names part, row and field; it is an [ErrArchiveDamaged]
// where something was cut or changed.
func ReadInstance(ctx context.Context, st store.Store, r io.Reader, o ReadInstanceOptions) (InstanceReport, error) {
	report, err := readInstance(ctx, st, r, o)
	if err != nil {
		return InstanceReport{}, fmt.Errorf("import instance: %w", err)
	}
	return report, nil
}

func readInstance(ctx context.Context, st store.Store, r io.Reader, o ReadInstanceOptions) (report InstanceReport, err error) {
	stager, ok := store.As[store.Stager](st)
	if !ok {
		return report, ErrNotWhole
	}
	p := newProgress(o.Progress)
	a, m, err := newArchiveReader(r, p.add)
	if err != nil {
		return report, err
	}
	defer a.close()
	if err := m.opens(o.Ring); err != nil {
		return report, err
	}
	g, err := stager.Stage(ctx, store.StageOptions{Schema: m.Schema, Check: o.DryRun})
	if err != nil {
		if errors.Is(err, store.ErrNewer) {
			err = fmt.Errorf("%w: %w", ErrArchiveNewer, err)
		}
		return report, err
	}
	defer func() { err = errors.Join(err, g.Abort()) }()
	if err := a.each(func(r store.Record) error { return g.Load(ctx, r) }); err != nil {
		return report, err
	}
	if err := g.Commit(ctx); err != nil {
		var refused *store.RecordError
		if errors.As(err, &refused) {
			err = &ArchiveError{Table: refused.Table, ID: refused.ID, Field: refused.Column, Err: err}
		}
		return report, err
	}
	return p.report(m, a.sums), nil
}

// opens tells whether a ring has the keys that something is sealed with.
func (m Manifest) opens(ring *crypto.Ring) error {
	checks := map[string]string{}
	if ring != nil {
		for _, d := range ring.Derive(checkPurpose) {
			checks[d.ID] = keyCheck(d)
		}
	}
	for _, k := range m.Keys {
		switch check, ok := checks[k.ID]; {
		case !k.Used, k.Check == "":
		case !ok:
			return &crypto.MissingKeyError{KeyID: k.ID}
		case check != k.Check:
			return fmt.Errorf("key %s is another one than the secrets are sealed with: %w", k.ID, &crypto.MissingKeyError{KeyID: k.ID})
		}
	}
	return nil
}

// CheckInstance reads a whole archive without a store, and checks that nothing of
// it was cut or changed. It does not look at what the rows mean.
func CheckInstance(ctx context.Context, r io.Reader, tell func(Progress)) (InstanceReport, error) {
	p := newProgress(tell)
	a, m, err := newArchiveReader(r, p.add)
	if err != nil {
		return InstanceReport{}, fmt.Errorf("check archive: %w", err)
	}
	defer a.close()
	if err := a.each(func(store.Record) error { return ctx.Err() }); err != nil {
		return InstanceReport{}, fmt.Errorf("check archive: %w", err)
	}
	return p.report(m, a.sums), nil
}
