package foreign

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxNotes is how many notes a report holds per kind; all are counted.
const maxNotes = 1000

// Report tells what became of an installation. It holds no secret.
type Report struct {
	Source   Origin        `json:"source"`
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended"`
	DryRun   bool          `json:"dry_run,omitempty"`
	Already  bool          `json:"already,omitempty"` // it was imported before: nothing was done
	Kinds    []*KindReport `json:"kinds"`
	Warnings []string      `json:"warnings"` // for people, about the whole

	// LocalRepositories and AbsolutePaths are directories that the configuration
	// has to allow, in dirs.repos_path and dirs.allowed_paths, so that what was
	// imported works.
	LocalRepositories []string `json:"local_repositories"`
	AbsolutePaths     []string `json:"absolute_paths"`
}

func newReport(o Origin, now time.Time) Report {
	return Report{Source: o, Began: now.UTC(), Kinds: []*KindReport{}, Warnings: []string{}, LocalRepositories: []string{}, AbsolutePaths: []string{}}
}

// Origin tells where the rows came from.
type Origin struct {
	Dialect string `json:"dialect"` // sqlite, postgres, mysql or bolt
	Place   string `json:"place"`   // file, or address without password
	Version string `json:"version"` // newest migration; "" where none is recorded
}

// KindReport counts the rows of one kind. A row that is kept with changes counts
// as kept and as changed.
type KindReport struct {
	Kind    string `json:"kind"`
	Kept    int64  `json:"kept"`
	Changed int64  `json:"changed"`
	Refused int64  `json:"refused"`
	Notes   []Note `json:"notes,omitempty"` // the first 1000
}

// Note tells what became of one row that was not kept as it was.
type Note struct {
	ID      int64  `json:"id,omitempty"` // 0 where the row has none
	Project int64  `json:"project_id,omitempty"`
	Name    string `json:"name,omitempty"`
	Field   string `json:"field,omitempty"`
	Refused bool   `json:"refused,omitempty"` // the row was left out
	Reason  string `json:"reason"`            // what was done, and why
}

// String names the row, the field and the reason.
func (n Note) String() string {
	text := ""
	if n.ID != 0 {
		text = fmt.Sprintf(" %d", n.ID)
	}
	if n.Name != "" {
		text += fmt.Sprintf(" %q", n.Name)
	}
	if n.Project != 0 {
		text += fmt.Sprintf(" of project %d", n.Project)
	}
	if n.Field != "" {
		text += ", " + n.Field
	}
	return strings.TrimPrefix(text+": "+n.Reason, " ")
}

// Kind returns the counts of a kind, all zero where there were none.
func (r *Report) Kind(kind string) KindReport {
	for _, k := range r.Kinds {
		if k.Kind == kind {
			return *k
		}
	}
	return KindReport{Kind: kind}
}

func (r *Report) of(kind string) *KindReport {
	for _, k := range r.Kinds {
		if k.Kind == kind {
			return k
		}
	}
	k := &KindReport{Kind: kind}
	r.Kinds = append(r.Kinds, k)
	return k
}

func (r *Report) kept(kind string) { r.of(kind).Kept++ }

func (k *KindReport) note(n Note) {
	if len(k.Notes) < maxNotes {
		k.Notes = append(k.Notes, n)
	}
}

func (r *Report) changed(kind string, n Note) {
	k := r.of(kind)
	k.Changed++
	k.note(n)
}

func (r *Report) refused(kind string, n Note) {
	k := r.of(kind)
	k.Refused++
	n.Refused = true
	k.note(n)
}

func (r *Report) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.Warnings, text) {
		r.Warnings = append(r.Warnings, text)
	}
}

// Write shows a report to people.
func (r *Report) Write(w io.Writer) error {
	p := printer{w: w}
	p.line("Semaphore UI %s, %s, %s", r.Source.Version, r.Source.Dialect, r.Source.Place)
	if r.Already {
		p.line("This installation was imported before: nothing was done.")
		return p.err
	}
	p.line("%-16s %10s %10s %10s", "", "kept", "changed", "refused")
	for _, k := range r.Kinds {
		p.line("%-16s %10d %10d %10d", k.Kind, k.Kept, k.Changed, k.Refused)
	}
	for _, k := range r.Kinds {
		for _, n := range k.Notes {
			verb := "changed"
			if n.Refused {
				verb = "refused"
			}
			p.line("%s: %s %s", verb, k.Kind, n)
		}
		if more := k.Changed + k.Refused - int64(len(k.Notes)); more > 0 {
			p.line("%s: and %d more", k.Kind, more)
		}
	}
	for _, text := range r.Warnings {
		p.line("note: %s", text)
	}
	if r.DryRun {
		p.line("Nothing was written.")
	}
	return p.err
}

// printer writes lines until one fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
