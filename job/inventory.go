package job

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// installInventory puts the inventory where Ansible finds it and returns the
// values of -i. No inventory at all leaves it to Ansible's configuration.
func (r *run) installInventory() ([]string, error) {
	inv := r.spec.Inventory
	if inv == nil {
		return nil, nil
	}
	switch inv.Type {
	case StaticINI:
		return r.staticInventory("hosts")
	case StaticYAML:
		return r.staticInventory("hosts.yml")
	case InventoryFile:
		return r.fileInventory()
	default:
		return nil, invalid("inventory.type", "%s is not for ansible: use static, static-yaml or file", inv.Type)
	}
}

func (r *run) staticInventory(name string) ([]string, error) {
	text := r.spec.Inventory.Text
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if err := os.WriteFile(r.dir.file(dirInventory, name), []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write inventory: %w", err)
	}
	return []string{r.dir.linked(dirInventory, name)}, nil
}

// fileInventory finds a file, an executable or a directory in the task's own
// repository, in another one, or at an absolute path that is allowed.
func (r *run) fileInventory() ([]string, error) {
	inv := r.spec.Inventory
	if strings.ContainsRune(inv.Text, ',') {
		return nil, invalid("inventory.text", "%q contains a comma, which Ansible takes for a list of hosts: rename the file", inv.Text)
	}
	if filepath.IsAbs(inv.Text) {
		if _, err := os.Stat(inv.Text); err != nil {
			return nil, invalid("inventory.text", "%s does not exist on this machine", inv.Text)
		}
		return []string{inv.Text}, nil
	}
	root, path := r.checkout.root, inv.Text
	if inv.Repository != nil {
		r.status(Starting, PhaseInventory, "fetching inventory "+inv.Repository.displayName())
		var err error
		if root, err = r.inventoryCheckout(inv.Repository); err != nil {
			return nil, err
		}
		path = filepath.Join(root, inv.Text)
	}
	if _, err := lookInside(root, "inventory.text", inv.Text); err != nil {
		return nil, err
	}
	return []string{path}, nil
}

func (r *run) inventoryCheckout(repo *Repository) (string, error) {
	if local, ok := localPath(repo.URL); ok && repo.Branch == "" && repo.Commit == "" {
		return local, nil
	}
	commit, err := r.clone(repo, r.dir.file(dirInventory), r.dir.name+"-inventory")
	if err != nil {
		return "", fmt.Errorf("clone inventory repository: %w", err)
	}
	r.out.System("inventory commit %s %s", shortHash(commit.Hash), commit.Message)
	return r.dir.linked(dirInventory), nil
}
