package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// InstanceOptions say what goes into an archive. The zero value takes all.
type InstanceOptions struct {
	// Ring holds the keys that secrets are sealed with. They stay sealed, and no key
	// goes into the archive, but by which it can be told whether another ring has
	// the right ones. Required where the store holds anything sealed.
	Ring     *crypto.Ring
	NoEvents bool
	NoTasks  bool // nor their output
	NoLogs   bool // output of tasks
	// Program is noted in the manifest. Defaults to nothing.
	Program string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Progress is told after each few megabytes. Defaults to nobody.
	Progress func(Progress)
}

// Progress is how far an export or import has come.
type Progress struct {
	Table string // the one that is at work
	Rows  int64  // of all tables
	Bytes int64  // of all rows, unpacked
}

// Manifest is what an archive says of itself in the beginning.
type Manifest struct {
	Format  string        `json:"format"`
	Version int           `json:"version"`
	Schema  int64         `json:"schema"` // of the tables
	Created time.Time     `json:"created"`
	Program string        `json:"program,omitempty"`
	Without []string      `json:"without"` // events, tasks, logs
	Keys    []ManifestKey `json:"keys"`
}

// ManifestKey is a key of the ring that an archive was made with.
type ManifestKey struct {
	ID    string `json:"id"`
	Check string `json:"check,omitempty"` // only who has the key can compute it; empty where the key was not there
	Used  bool   `json:"used"`            // something is sealed with it
}

// InstanceReport tells what went into an archive, or came out of one.
type InstanceReport struct {
	Manifest
	Tables map[string]int64 // rows of each table that has any
	Rows   int64
	Bytes  int64 // of all rows, unpacked
	Ended  int64 // tasks that were not at their end, and are in the archive as ended
}

// checkPurpose is what the check value of a key is derived for.
const checkPurpose = "semaphore instance archive"

// WriteInstance writes everything that a store holds at one moment as an archive,
// while others work with it; memory stays small, however much it is. The store
// has to be a store.Dumper, else it is [ErrNotWhole].
//
// Rows keep their ids, and secrets stay sealed. Not taken are sessions, one-time
// codes, locks, plans that wait for confirmation, messages that are still to be
// sent, and what servers note about themselves.
//
// No task of an archive ever runs again: one that had not begun is in it as
// stopped, any other one that had not ended as error, "moved while running". So
// nothing is done twice, whatever becomes of the server that goes on. Let it come
// to rest before, and nothing of this is needed.
func WriteInstance(ctx context.Context, st store.Store, w io.Writer, o InstanceOptions) (InstanceReport, error) {
	var report InstanceReport
	dumper, ok := store.As[store.Dumper](st)
	if !ok {
		return report, fmt.Errorf("export instance: %w", ErrNotWhole)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m, err := newManifest(ctx, st, dumper.Schema(), o)
	if err != nil {
		return report, fmt.Errorf("export instance: %w", err)
	}
	p := newProgress(o.Progress)
	a, err := newArchiveWriter(w, m, p.add)
	if err != nil {
		return report, fmt.Errorf("export instance: %w", err)
	}
	s := settler{o: o, now: m.Created.UnixMilli()}
	dump := store.DumpOptions{NoEvents: o.NoEvents, NoTasks: o.NoTasks, NoLogs: o.NoLogs, NoSessions: true}
	err = dumper.Dump(ctx, dump, func(r store.Record) error {
		if !s.settle(r) {
			return nil
		}
		return a.add(r)
	})
	if err == nil {
		a.sums.Ended = s.ended
		err = a.close()
	}
	if err != nil {
		return report, fmt.Errorf("export instance: %w", err)
	}
	return p.report(m, a.sums), nil
}

func newManifest(ctx context.Context, st store.Store, schema int64, o InstanceOptions) (Manifest, error) {
	m := Manifest{
		Format: archiveFormat, Version: archiveVersion, Schema: schema, Created: o.Now().UTC().Truncate(time.Second),
		Program: o.Program, Without: []string{}, Keys: []ManifestKey{},
	}
	for name, without := range map[string]bool{"events": o.NoEvents, "tasks": o.NoTasks, "logs": o.NoLogs || o.NoTasks} {
		if without {
			m.Without = append(m.Without, name)
		}
	}
	slices.Sort(m.Without)
	used, err := usedKeys(ctx, st)
	if err != nil {
		return m, err
	}
	if o.Ring == nil {
		if len(used) > 0 {
			return m, fmt.Errorf("the store holds secrets sealed with key %s: give the ring that has it: %w",
				strings.Join(slices.Sorted(maps.Keys(used)), ", "), store.ErrInvalid)
		}
		return m, nil
	}
	for _, d := range o.Ring.Derive(checkPurpose) {
		m.Keys = append(m.Keys, ManifestKey{ID: d.ID, Check: keyCheck(d), Used: used[d.ID]})
		delete(used, d.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(used)) { // nobody can open these here either
		m.Keys = append(m.Keys, ManifestKey{ID: id, Used: true})
	}
	return m, nil
}

// keyCheck is a value that only who has the key can compute, and that tells
// nothing about it.
func keyCheck(d crypto.Derived) string {
	sum := sha256.Sum256(d.Secret)
	return hex.EncodeToString(sum[:16])
}

// usedKeys returns the ids of the keys that something is sealed with.
func usedKeys(ctx context.Context, st store.Store) (map[string]bool, error) {
	used := map[string]bool{}
	for after := ""; ; {
		values, next, err := st.Sealed().List(ctx, after, 20)
		if err != nil {
			return nil, fmt.Errorf("look for sealed values: %w", err)
		}
		for _, v := range values {
			if id, ok := crypto.SealedWith(v.Value); ok {
				used[id] = true
			}
		}
		if after = next; after == "" {
			return used, nil
		}
	}
}

// progress adds up.
type progress struct {
	sum  Progress
	tell func(Progress)
}

func newProgress(tell func(Progress)) *progress { return &progress{tell: tell} }

func (p *progress) add(table string, rows, bytes int64) {
	p.sum.Table = table
	p.sum.Rows += rows
	p.sum.Bytes += bytes
	if p.tell != nil {
		p.tell(p.sum)
	}
}

func (p *progress) report(m Manifest, c archiveContents) InstanceReport {
	tables := maps.Clone(c.Tables)
	sequences := tables[store.Sequences]
	delete(tables, store.Sequences)
	return InstanceReport{Manifest: m, Tables: tables, Rows: p.sum.Rows - sequences, Bytes: p.sum.Bytes, Ended: c.Ended}
}
