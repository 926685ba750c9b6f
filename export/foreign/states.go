package foreign

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// maxState is how large a Terraform state may be.
const maxState = 64 << 20

// stateHead is what says which version of which state a text is.
type stateHead struct {
	Lineage string `json:"lineage"`
	Serial  uint64 `json:"serial"`
}

// loadStates stores Terraform states: those of the old database, and those of
// old checkouts where it has none.
func (l *loader) loadStates() error {
	known := map[store.StateKey]bool{}
	err := l.each("project__terraform_inventory_state", "terraform_state", func(it *item) error {
		key, ok := l.stateKey(it)
		if !ok {
			it.done()
			return nil
		}
		created := it.created()
		task := it.number("task_id")
		if l.tasks[task] == nil {
			task = 0
		}
		// What the old database has inside of the text may be more than a text column
		// keeps: it is taken as it is.
		text, _ := it.value("state").(string)
		if !json.Valid([]byte(text)) {
			it.refuse("is no JSON")
			it.done()
			return nil
		}
		known[key] = true
		it.done()
		return l.state(key, []byte(text), task, created)
	})
	if err != nil || l.o.Checkouts == "" {
		return err
	}
	return l.loadCheckouts(known)
}

// stateKey is where a state of a workspace belongs here: to the template that
// owns the workspace.
func (l *loader) stateKey(it *item) (store.StateKey, bool) {
	id := it.number("inventory_id")
	for _, inv := range l.rows.Inventories {
		if inv.ID != id {
			continue
		}
		it.note.Project = inv.ProjectID
		if inv.TemplateID == nil {
			it.refuse("is of workspace %d, which no template owns: download it from the old server, if it is still needed", id)
			return store.StateKey{}, false
		}
		return store.StateKey{ProjectID: inv.ProjectID, TemplateID: *inv.TemplateID, Workspace: inv.Inventory}, true
	}
	it.refuse("is of workspace %d, which does not exist", id)
	return store.StateKey{}, false
}

// state stores a version, in the form in which the pool opens it: sealed for its
// project, with template, workspace, lineage and serial in front of the text.
func (l *loader) state(key store.StateKey, text []byte, task int64, created time.Time) error {
	var head stateHead
	if err := json.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("state of template %d: it is no JSON", key.TemplateID)
	}
	place := fmt.Sprintf("%d/%s/%s/%d", key.TemplateID, key.Workspace, head.Lineage, head.Serial)
	bound := append(binary.AppendUvarint(nil, uint64(len(place))), place...)
	sealed, err := l.ring.SealBytes(append(bound, text...), crypto.AD{Table: "terraform_state", ProjectID: key.ProjectID, Field: "data"})
	if err != nil {
		return fmt.Errorf("seal state of template %d: %w", key.TemplateID, err)
	}
	return l.stage.Load(l.ctx, store.Record{
		Table:   "terraform_state",
		Columns: []string{"id", "project_id", "template_id", "workspace", "lineage", "serial", "task_id", "created", "data"},
		Values: []any{
			l.fresh("terraform_state"), key.ProjectID, key.TemplateID, key.Workspace, head.Lineage, int64(head.Serial), task,
			created.UnixMilli(), sealed,
		},
	})
}

// CheckoutState is a Terraform state in the checkout of a template.
type CheckoutState struct {
	Project   int64
	Template  int64
	Name      string // of the template
	Workspace string
	Locked    bool // a lock file stands beside it: somebody may be working on it

	root *os.Root
	at   localState
}

// CheckoutStates lists the local states below a directory of checkouts, which is
// tmp_path of the old configuration.
func (r *Rows) CheckoutStates(checkouts string) []CheckoutState {
	var list []CheckoutState
	_ = r.eachCheckout(checkouts, func(s CheckoutState) error {
		s.root = nil
		list = append(list, s)
		return nil
	})
	return list
}

// eachCheckout calls f for each local state of a template of the Terraform
// family. What cannot be read has none.
func (r *Rows) eachCheckout(checkouts string, f func(CheckoutState) error) error {
	for _, t := range r.Templates {
		switch t.App {
		case "terraform", "tofu", "terragrunt":
		default:
			continue
		}
		dir := filepath.Join(checkouts, fmt.Sprintf("project_%d", t.ProjectID), fmt.Sprintf("repository_%d_template_%d", t.RepositoryID, t.ID))
		root, err := os.OpenRoot(dir)
		if err != nil {
			continue
		}
		for _, at := range statesBelow(root, filepath.ToSlash(t.Playbook)) {
			s := CheckoutState{Project: t.ProjectID, Template: t.ID, Name: t.Name, Workspace: at.workspace, root: root, at: at}
			_, err := root.Stat(path.Join(at.dir, ".terraform.tfstate.lock.info"))
			s.Locked = err == nil
			if err := f(s); err != nil {
				return errors.Join(err, root.Close())
			}
		}
		_ = root.Close()
	}
	return nil
}

// loadCheckouts stores the local states of old checkouts, whose files are only
// read.
func (l *loader) loadCheckouts(known map[store.StateKey]bool) error {
	return l.rows.eachCheckout(l.o.Checkouts, func(s CheckoutState) error {
		key := store.StateKey{ProjectID: s.Project, TemplateID: s.Template, Workspace: s.Workspace}
		text, reason := s.at.read(s.root)
		switch {
		case known[key]:
			reason = "the old database has a state of it"
		case s.Locked:
			reason = "a lock file stands beside it: see that nothing uses it, remove the lock file, and import into a new database"
		case reason == "":
			known[key] = true
			l.rep.kept("checkout_state")
			return l.state(key, text, 0, l.now)
		}
		l.rep.refused("checkout_state", Note{
			ID: s.Template, Project: s.Project, Name: s.Name, Field: "workspace " + s.Workspace,
			Reason: "the state in its old checkout is not taken over: " + reason,
		})
		return nil
	})
}

// localState is a state file in a checkout.
type localState struct {
	dir       string
	workspace string
}

// statesBelow lists the states of a configuration. One that keeps its state
// elsewhere has none here.
func statesBelow(root *os.Root, config string) []localState {
	config = path.Clean(config)
	if text, err := readAll(root, path.Join(config, ".terraform", "terraform.tfstate")); err == nil {
		var record struct {
			Backend *struct {
				Type string `json:"type"`
			} `json:"backend"`
		}
		if json.Unmarshal(text, &record) == nil && record.Backend != nil && record.Backend.Type != "local" {
			return nil
		}
	}
	var list []localState
	candidates := []localState{{config, "default"}}
	parent := path.Join(config, "terraform.tfstate.d")
	if d, err := root.Open(parent); err == nil {
		entries, _ := d.ReadDir(-1)
		_ = d.Close()
		for _, e := range entries {
			if e.IsDir() {
				candidates = append(candidates, localState{path.Join(parent, e.Name()), e.Name()})
			}
		}
	}
	for _, c := range candidates {
		if info, err := root.Stat(path.Join(c.dir, "terraform.tfstate")); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			list = append(list, c)
		}
	}
	return list
}

// read returns the text of a state, or why it cannot be taken.
func (s localState) read(root *os.Root) (text []byte, reason string) {
	text, err := readAll(root, path.Join(s.dir, "terraform.tfstate"))
	if err != nil {
		return nil, "it cannot be read"
	}
	var head stateHead
	if json.Unmarshal(text, &head) != nil || head.Lineage == "" {
		return nil, "it is no state of Terraform"
	}
	return text, ""
}

func readAll(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil && len(text) > maxState {
		err = errors.New("too large")
	}
	return text, err
}
