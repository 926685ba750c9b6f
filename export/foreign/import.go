package foreign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// markerPrefix begins the name of the option that tells what was imported.
const (
	markerPrefix = "import."
	marker       = markerPrefix + "semaphore_ui"
)

// Options say how an installation is imported. The zero value imports all.
type Options struct {
	DryRun   bool // read and check everything, write nothing
	NoTasks  bool // leave out tasks with their output
	NoLogs   bool // leave out the output of tasks
	NoEvents bool // leave out the activity
	// Checkouts is the directory of the old checkouts, tmp_path of the old
	// configuration. Terraform states that stand there are taken over; the files
	// are only read. Defaults to none.
	Checkouts string
	// Progress is told from time to time how many rows of a kind were read.
	// Defaults to nobody.
	Progress func(kind string, rows int64)
	// Now tells the time. Defaults to time.Now.
	Now func() time.Time
}

// Import loads the installation into an empty store, all or nothing, with
// secrets sealed by ring. Whoever is killed meanwhile leaves the store as it
// was. Afterwards the store has to be closed and opened again.
//
// A row that cannot be kept as it is never stops the import: the report tells of
// it. An installation that was imported into this store before is left alone,
// and the report says Already. Errors are store.ErrNotEmpty, [ErrOther],
// [ErrUnfit], *[ReadError], those of store.Stager, and a *store.RecordError for
// a row that the target refuses.
func (i *Installation) Import(ctx context.Context, target store.Store, ring *crypto.Ring, o Options) (Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	rep := newReport(i.origin, o.Now())
	rep.DryRun = o.DryRun
	err := i.importInto(ctx, target, ring, o, &rep)
	rep.Ended = o.Now().UTC()
	if err != nil {
		return rep, fmt.Errorf("import %s: %w", i.origin.Place, err)
	}
	return rep, nil
}

func (i *Installation) importInto(ctx context.Context, target store.Store, ring *crypto.Ring, o Options, rep *Report) (err error) {
	options, err := target.Options().All(ctx)
	if err != nil {
		return fmt.Errorf("look into the target: %w", err)
	}
	if done := options[marker]; done != "" {
		if done != i.identity() {
			return ErrOther
		}
		rep.Already = true
		return nil
	}
	stager, ok := store.As[store.Stager](target)
	if !ok {
		return ErrUnfit
	}
	r := i.reader(ctx, rep, rep.Began)
	if err := r.read(); err != nil {
		return err
	}
	stage, err := stager.Stage(ctx, store.StageOptions{Check: o.DryRun})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.Abort()) }()
	l := &loader{reader: r, stage: stage, ring: ring, o: o}
	if err := l.load(); err != nil {
		return err
	}
	if err := l.option(marker, i.identity()); err != nil {
		return err
	}
	return stage.Commit(ctx)
}

// loader stores what the reader has read, and reads and stores what is too much
// to be read as a whole.
type loader struct {
	*reader
	stage store.Staging
	ring  *crypto.Ring
	o     Options
	tasks map[int64]*taskNote
	count map[int64]int // tasks by template
}

func (l *loader) load() error {
	if err := l.indexTasks(); err != nil {
		return err
	}
	for _, step := range []func() error{
		l.seal, l.loadRows, l.loadOutput, l.loadTasks, l.loadStages, l.loadHosts, l.loadErrors, l.loadEvents, l.loadStates, l.loadSequences,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	l.rep.warn("sessions are not taken over: everybody signs in once more")
	return nil
}

// seal puts the secrets into their rows, each bound to its row.
func (l *loader) seal() error {
	for n := range l.rows.Keys {
		k := &l.rows.Keys[n]
		plain, ok := l.rows.secrets[k.ID]
		if !ok {
			continue
		}
		sealed, err := l.ring.Seal(plain, crypto.AD{Table: "access_key", ProjectID: k.ProjectID, ID: k.ID, Field: "secret"})
		if err != nil {
			return fmt.Errorf("seal key %d: %w", k.ID, err)
		}
		k.Secret = &sealed
	}
	for n := range l.rows.SecondFactors {
		t := &l.rows.SecondFactors[n]
		sealed, err := l.ring.Seal([]byte(l.rows.urls[t.ID]), crypto.AD{Table: "totp", ID: t.ID, Field: "url"})
		if err != nil {
			return fmt.Errorf("seal second factor %d: %w", t.ID, err)
		}
		t.URL = sealed
	}
	return nil
}

// row stores one row.
func (l *loader) row(v any) error {
	record, err := l.stage.Record(v)
	if err != nil {
		return err
	}
	return l.stage.Load(l.ctx, record)
}

func loadAll[T any](l *loader, list []T) error {
	for _, v := range list {
		if err := l.row(v); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) loadRows() error {
	for n := range l.rows.Templates {
		t := &l.rows.Templates[n]
		t.Tasks = max(t.Tasks, l.count[t.ID])
	}
	r := l.rows
	for _, step := range []func() error{
		func() error { return loadAll(l, r.Users) },
		func() error { return loadAll(l, r.Tokens) },
		func() error { return loadAll(l, r.SecondFactors) },
		func() error { return loadAll(l, r.Projects) },
		func() error { return loadAll(l, r.Roles) },
		func() error { return loadAll(l, r.Members) },
		func() error { return loadAll(l, r.Invites) },
		func() error { return loadAll(l, r.SecretStorages) },
		func() error { return loadAll(l, r.Environments) },
		func() error { return loadAll(l, r.Keys) },
		func() error { return loadAll(l, r.Views) },
		func() error { return loadAll(l, r.Repositories) },
		func() error { return loadAll(l, r.Inventories) },
		func() error { return loadAll(l, r.Templates) },
		func() error { return loadAll(l, r.Vaults) },
		func() error { return loadAll(l, r.TemplateRoles) },
		func() error { return loadAll(l, r.Integrations) },
		func() error { return loadAll(l, r.Matchers) },
		func() error { return loadAll(l, r.Extractors) },
		func() error { return loadAll(l, r.Aliases) },
		func() error { return loadAll(l, r.Schedules) },
		func() error { return loadAll(l, r.TaskParams) },
		func() error { return loadAll(l, r.TerraformAliases) },
		func() error { return loadAll(l, r.Runners) },
		l.loadOptions,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) loadOptions() error {
	for key, value := range l.rows.Options {
		if err := l.option(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) option(key, value string) error {
	return l.stage.Load(l.ctx, store.Record{Table: "option", Columns: []string{"key", "value"}, Values: []any{key, value}})
}

// sequenceOf are the old tables whose ids are kept, by our name of the table.
func sequenceOf() map[string]string {
	return map[string]string{
		"app_user": "user", "totp": "user__totp", "project": "project", "invite": "project__invite", "secret_storage": "project__secret_storage",
		"environment": "project__environment", "access_key": "access_key", "view": "project__view", "repository": "project__repository",
		"inventory": "project__inventory", "template": "project__template", "template_vault": "project__template_vault",
		"template_role": "project__template_role", "integration": "project__integration", "integration_matcher": "project__integration_matcher",
		"integration_extractor": "project__integration_extract_value", "integration_alias": "project__integration_alias",
		"schedule": "project__schedule", "task_params": "project__task_params", "runner": "runner", "task": "task",
	}
}

// loadSequences keeps ids of rows that were left out from being used again.
func (l *loader) loadSequences() error {
	for ours, theirs := range sequenceOf() {
		last := l.highest[theirs]
		if last <= 0 {
			continue
		}
		if err := l.stage.Load(l.ctx, store.Record{Table: store.Sequences, Columns: []string{"name", "last"}, Values: []any{ours, last}}); err != nil {
			return err
		}
	}
	return nil
}

// each reads a table row by row, tells of progress and lets itself be ended.
func (l *loader) each(table, kind string, f func(*item) error) error {
	var n int64
	err := l.db.each(l.ctx, table, func(row *row) error {
		if n++; n%progressStep == 0 {
			if l.o.Progress != nil {
				l.o.Progress(kind, n)
			}
			if err := l.ctx.Err(); err != nil {
				return &loadError{err}
			}
		}
		it := l.item(table, kind, row)
		if err := f(it); err != nil {
			return &loadError{err}
		}
		return nil
	})
	var own *loadError
	switch {
	case errors.As(err, &own):
		return own.error
	case err != nil:
		return l.fault(table, err)
	}
	if l.o.Progress != nil && n > 0 {
		l.o.Progress(kind, n)
	}
	return nil
}

// progressStep is after how many rows progress is told.
const progressStep = 1000

// loadError is an error of what is done with rows, not of reading them.
type loadError struct{ error }

func (e *loadError) Unwrap() error { return e.error }
