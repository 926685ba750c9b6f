package export

import (
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// RestoreReport tells what became of a backup. Lists are empty where there is
// nothing to tell.
type RestoreReport struct {
	Project store.Project   `json:"-"`
	Keys    []RestoredKey   `json:"keys"`    // that need a value
	Aliases []RestoredAlias `json:"aliases"` // that are new, since theirs were taken
	Renamed []RestoredName  `json:"renamed"` // rows that had another one's name
	Notes   []string        `json:"notes"`   // what else people should know, in whole sentences
}

func emptyReport() RestoreReport {
	return RestoreReport{Keys: []RestoredKey{}, Aliases: []RestoredAlias{}, Renamed: []RestoredName{}, Notes: []string{}}
}

// RestoredKey is a key that has no value.
type RestoredKey struct {
	Name string        `json:"name"`
	Type store.KeyType `json:"type"`
	Of   string        `json:"of,omitempty"` // the variable group or secret storage it belongs to
}

// RestoredAlias is an address of a webhook or a state that had to change.
type RestoredAlias struct {
	Integration string `json:"integration,omitempty"` // "" for one of the project or of a state
	Old         string `json:"old"`
	New         string `json:"new"`
}

// RestoredName is a row that was given another name.
type RestoredName struct {
	Kind string `json:"kind"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Lines tells the report in words, a line for each thing to do.
func (r RestoreReport) Lines() []string {
	var out []string
	for _, k := range r.Keys {
		what := fmt.Sprintf("key %q of type %s has no value: fill it in", k.Name, k.Type)
		if k.Of != "" {
			what = fmt.Sprintf("secret %q of %s has no value: fill it in", k.Name, k.Of)
		}
		out = append(out, what)
	}
	for _, a := range r.Aliases {
		of := "an address of the project"
		if a.Integration != "" {
			of = fmt.Sprintf("an address of integration %q", a.Integration)
		}
		out = append(out, of+" was taken already and is a new one: tell those who call it")
	}
	for _, n := range r.Renamed {
		out = append(out, fmt.Sprintf("%s %q is there twice: the second one is called %q", n.Kind, n.Old, n.New))
	}
	return append(out, r.Notes...)
}

// String joins the lines.
func (r RestoreReport) String() string { return strings.Join(r.Lines(), "\n") }

func (r *restorer) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

// renamer gives rows their names, and keeps apart those that a file has twice.
type renamer struct {
	r     *restorer
	kind  string
	taken map[string]bool
	given *namer
}

func (r *restorer) renamer(kind string) *renamer {
	return &renamer{r, kind, map[string]bool{}, newNamer(kind)}
}

// name is what row i of a file is to be called.
func (n *renamer) name(i int, name string, own BackupName) string {
	if own.Name != nil {
		return *own.Name
	}
	if !n.taken[name] {
		n.taken[name] = true
		return name
	}
	called := n.given.suffixed(int64(i), name)
	n.r.report.Renamed = append(n.r.report.Renamed, RestoredName{Kind: n.kind, Old: name, New: called})
	return called
}
