package moving

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// Input is what is looked at.
type Input struct {
	Config *config.Config
	Loaded config.Report // of the configuration
	Rows   *foreign.Rows
	// Old is what an import would report; nil for an installation of this project.
	Old *foreign.Report
	// Files hold secrets beside those that the configuration names.
	Files []string
	// Checkouts is the directory of old checkouts. Defaults to none.
	Checkouts string
	// LookPath finds programs. Defaults to exec.LookPath.
	LookPath func(program string) (string, error)
}

// Check looks at everything. Findings come in the order of [Codes].
func Check(in Input) []Finding {
	if in.LookPath == nil {
		in.LookPath = exec.LookPath
	}
	c := checker{Input: in, finder: newFinder()}
	c.origin()
	c.configuration()
	c.repositories()
	c.inventories()
	c.templates()
	c.variables()
	c.keys()
	c.integrations()
	c.schedules()
	c.projects()
	c.states()
	order := map[string]int{}
	for i, code := range Codes() {
		order[code.Code] = i
	}
	slices.SortStableFunc(c.list, func(a, b Finding) int { return order[a.Code] - order[b.Code] })
	return c.list
}

// Failing tells whether something would not work.
func Failing(list []Finding) bool {
	return slices.ContainsFunc(list, func(f Finding) bool { return f.Severity == Fails })
}

type checker struct {
	Input
	*finder
}

// origin tells of the old database and what an import would do to its rows.
func (c checker) origin() {
	if c.Old == nil {
		return
	}
	db := object{kind: "database", name: c.Old.Source.Place}
	c.add("database", db, "")
	if d := c.Old.Source.Dialect; d == "mysql" || d == "bolt" {
		c.add("dialect", db, "")
	}
	for _, k := range c.Old.Kinds {
		for _, n := range k.Notes {
			o := object{k.Kind, n.ID, n.Project, n.Name}
			text := n.Reason
			if n.Field != "" {
				text = n.Field + " " + text
			}
			switch {
			case k.Kind == "key" && n.Field == "secret":
				c.add("secret-lost", o, "")
			case k.Kind == "runner" && n.Field == "public_key":
				c.add("runner-protocol", o, "")
			case k.Kind == "template" && n.Field == "survey_vars" && strings.Contains(n.Reason, "secret variable"):
				c.add("secret-default", o, n.Reason)
			case n.Refused:
				c.add("row-refused", o, text)
			default:
				c.add("row-changed", o, text)
			}
		}
	}
}

// configuration looks at keys without effect, warnings and files.
func (c checker) configuration() {
	for _, k := range config.Keys() {
		if c.Loaded.Source(k.Name) == config.SourceDefault {
			continue
		}
		if strings.Contains(k.Doc, "for compatibility") || strings.HasPrefix(k.Name, "ha.") {
			c.add("config-ignored", object{kind: "config", name: k.Name}, "")
		}
	}
	for _, text := range c.Loaded.Warnings {
		if strings.Contains(text, "may be read by others") {
			continue // which is a finding of its own
		}
		c.add("config-warning", object{kind: "config"}, text)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, name := range append([]string{c.Loaded.File}, c.Files...) {
		info, err := os.Stat(name)
		if name != "" && err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			c.add("loose-file", object{kind: "file", name: name}, "others may read it: its mode is "+info.Mode().Perm().String())
		}
	}
}

func (c checker) projects() {
	for _, p := range c.Rows.Projects {
		if p.HostKeys == "" || p.HostKeys == "off" {
			c.add("host-keys", object{"project", p.ID, p.ID, p.Name}, "host keys are not checked in it")
		}
	}
}

// byID finds a row.
func byID[T any](list []T, id func(T) int64, want *int64) (found T, ok bool) {
	if want == nil {
		return found, false
	}
	i := slices.IndexFunc(list, func(v T) bool { return id(v) == *want })
	if i < 0 {
		return found, false
	}
	return list[i], true
}

func environmentID(e store.Environment) int64 { return e.ID }

func templateID(t store.Template) int64 { return t.ID }
