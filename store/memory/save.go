package memory

import (
	"encoding/gob"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// imageVersion is of the format that Save writes and Load reads.
const imageVersion = 1

// image is a state as it is written. Columns have their names with them, so
// that a program with more columns reads it.
type image struct {
	Version int
	Tables  map[string]imageTable
	Work    map[int64]imageWork
	Outbox  map[int64]imageEntry
	Told    int64
	Bundles map[int64]map[int][]byte
	Options map[string]string
	States  map[store.StateKey][]store.StateVersion
	Locks   map[store.StateKey]store.StateLock
	StateID int64
	ChildID int64
}

type imageTable struct {
	Columns []string
	Rows    [][]any
	Last    int64
}

type imageWork struct {
	Snapshot, Secrets []byte
	Lease             string
	Renewed, Until    time.Time
	Attempts          map[int]imageAttempt
	Lines             []store.LogLine
	Stages            []store.Stage
	Hosts             []store.AnsibleHost
	Problems          []store.AnsibleError
}

type imageAttempt struct {
	Lease          string
	Seq            int64
	Finished, Late bool
	Resumed        bool
}

type imageEntry struct {
	Entry store.OutboxEntry
	Due   int64
}

// Save writes all that is committed, leases and logs included. [Load] reads it.
func (s *Store) Save(w io.Writer) error {
	st := s.last.Load()
	im := image{
		Version: imageVersion, Tables: map[string]imageTable{}, Work: map[int64]imageWork{}, Outbox: map[int64]imageEntry{},
		Told: st.told, Bundles: map[int64]map[int][]byte{}, Options: st.options, States: st.states, Locks: st.locks,
		StateID: st.stateID, ChildID: st.childID,
	}
	for _, e := range st.cat.list {
		t := imageTable{Last: st.tables[e.index].last}
		for _, c := range e.Columns {
			t.Columns = append(t.Columns, c.Name)
		}
		for _, rec := range st.rows(e).all(false) {
			t.Rows = append(t.Rows, rec)
		}
		im.Tables[e.Name] = t
	}
	for id, w := range st.work.all(false) {
		im.Work[id] = w.image()
	}
	for id, row := range st.outbox.all(false) {
		im.Outbox[id] = imageEntry{row.OutboxEntry, row.due}
	}
	for id, b := range st.bundles.all(false) {
		im.Bundles[id] = b
	}
	if err := gob.NewEncoder(w).Encode(im); err != nil {
		return fmt.Errorf("save store: %w", err)
	}
	return nil
}

func (w *work) image() imageWork {
	im := imageWork{
		Snapshot: w.snapshot, Secrets: w.secrets, Lease: w.lease, Renewed: w.renewed, Until: w.until,
		Attempts: map[int]imageAttempt{}, Lines: w.lines, Stages: w.stages, Hosts: w.hosts, Problems: w.problems,
	}
	for n, a := range w.attempts {
		im.Attempts[n] = imageAttempt{a.lease, a.seq, a.finished, a.late, a.resumed}
	}
	return im
}

func (im imageWork) work() *work {
	w := &work{
		snapshot: im.Snapshot, secrets: im.Secrets, lease: im.Lease, renewed: im.Renewed.UTC(), until: im.Until.UTC(),
		attempts: map[int]attempt{}, lines: im.Lines, stages: im.Stages, hosts: im.Hosts, problems: im.Problems,
	}
	for n, a := range im.Attempts {
		w.attempts[n] = attempt{a.Lease, a.Seq, a.Finished, a.Late, a.Resumed}
	}
	return w
}

// Load returns a store with what Save has written.
func Load(r io.Reader, cfg Config) (*Store, error) {
	var im image
	if err := gob.NewDecoder(r).Decode(&im); err != nil {
		return nil, fmt.Errorf("load store: %w", err)
	}
	if im.Version != imageVersion {
		return nil, fmt.Errorf("load store: format %d is not known: %w", im.Version, store.ErrNewer)
	}
	s := New(cfg)
	st := s.last.Load()
	for name, t := range im.Tables {
		e := s.cat.byName[name]
		if e == nil {
			return nil, fmt.Errorf("load store: table %q is not known: %w", name, store.ErrNewer)
		}
		if err := st.fill(e, t); err != nil {
			return nil, fmt.Errorf("load store: %w", err)
		}
	}
	for id, w := range im.Work {
		st.work = st.work.with(id, w.work())
	}
	for id, row := range im.Outbox {
		st.outbox = st.outbox.with(id, outboxRow{row.Entry, row.Due})
	}
	for id, b := range im.Bundles {
		st.bundles = st.bundles.with(id, b)
	}
	maps.Copy(st.options, im.Options)
	maps.Copy(st.states, im.States)
	maps.Copy(st.locks, im.Locks)
	st.told, st.stateID, st.childID = im.Told, im.StateID, im.ChildID
	return s, nil
}

// fill puts saved rows into a table. Columns that were not saved have their
// zero values.
func (st *state) fill(e *entity, t imageTable) error {
	bare, err := e.bare()
	if err != nil {
		return err
	}
	for _, row := range t.Rows {
		rec := append(record{}, bare...)
		for i, name := range t.Columns {
			n, ok := e.number[name]
			if !ok || i >= len(row) {
				return fmt.Errorf("%s has no column %q: %w", e.Name, name, store.ErrNewer)
			}
			rec[n] = row[i]
		}
		id, ok := rec[e.id].(int64)
		if !ok {
			return fmt.Errorf("%s: a row has no id: %w", e.Name, store.ErrInvalid)
		}
		st.put(e, id, rec)
	}
	st.tables[e.index].last = t.Last
	return nil
}
