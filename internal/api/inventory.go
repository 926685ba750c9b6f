package api

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/alexandervashurin/semaphore/store"
)

// inventoryInput is what a client says about an inventory or a workspace.
type inventoryInput struct {
	rowIDs
	Name         string              `json:"name"`
	Inventory    string              `json:"inventory"`
	SSHKeyID     *int64              `json:"ssh_key_id"`
	BecomeKeyID  *int64              `json:"become_key_id"`
	Type         store.InventoryType `json:"type"`
	TemplateID   *int64              `json:"template_id"`
	RepositoryID *int64              `json:"repository_id"`
	RunnerTag    *string             `json:"runner_tag"`

	HostKeys *string `json:"host_keys"`
}

func (s *Server) inventoryRoutes() []route {
	inventories := resource[store.Inventory, inventoryInput]{
		noun: "inventory", path: "inventory", kind: store.KindInventory, event: store.EventInventory,
		table:   func(st store.Store) store.Table[store.Inventory] { return st.Inventories() },
		sorts:   []string{"name", "type"},
		anySort: true,
		ids:     func(i *store.Inventory) (*int64, *int64) { return &i.ID, &i.ProjectID },
		label:   func(i *store.Inventory) string { return i.Name },
		where:   inventoriesWanted,
		read:    readInventory,
		show:    showInventories,
	}
	return inventories.routes()
}

// inventoriesWanted reads the filters of the list. Without template_id it is of
// those that no template owns.
func inventoriesWanted(c *call) (map[string]any, error) {
	where := map[string]any{"template_id": nil}
	if c.r.URL.Query().Get("template_id") != "" {
		id, err := c.number("template_id", 0, 1, 1<<62)
		if err != nil {
			return nil, err
		}
		where["template_id"] = id
	}
	switch app := c.r.URL.Query().Get("app"); app {
	case "ansible":
		where["type"] = []store.InventoryType{store.InventoryStatic, store.InventoryStaticYAML, store.InventoryFile}
	case "terraform", "tofu", "terragrunt":
		where["type"] = store.InventoryType(app + "-workspace")
	}
	return where, nil
}

var workspaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,89}$`)

func readInventory(_ context.Context, _ *call, _ store.Store, in *inventoryInput, i *store.Inventory) error {
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	workspace := false
	switch in.Type {
	case store.InventoryStatic, store.InventoryStaticYAML:
	case store.InventoryFile:
		if err := checkFilePath("inventory", in.Inventory); err != nil {
			return err
		}
	case store.InventoryTerraform, store.InventoryTofu, store.InventoryTerragrunt:
		workspace = true
		if !workspaceName.MatchString(in.Inventory) {
			return invalid("inventory", "%q is no workspace name: use letters, digits, dot, dash and underscore, a letter or digit first", clip(in.Inventory, 100))
		}
	default:
		return invalid("type", "is %q: use static, static-yaml, file, terraform-workspace, tofu-workspace or terragrunt-workspace", clip(string(in.Type), 40))
	}
	switch {
	case in.TemplateID != nil && !workspace:
		return invalid("template_id", "only a workspace belongs to a template: leave it out")
	case in.RunnerTag != nil && len(*in.RunnerTag) > 255:
		return invalid("runner_tag", "is longer than 255 bytes")
	case in.HostKeys != nil && !slices.Contains([]string{"", "off", "pin", "strict"}, *in.HostKeys):
		return invalid("host_keys", "is %q: use off, pin or strict, or nothing for what the project says", clip(*in.HostKeys, 20))
	}
	i.Name, i.Inventory, i.Type = in.Name, in.Inventory, in.Type
	i.SSHKeyID, i.BecomeKeyID = in.SSHKeyID, in.BecomeKeyID
	i.TemplateID, i.RepositoryID, i.RunnerTag = in.TemplateID, in.RepositoryID, filled(in.RunnerTag)
	if in.HostKeys != nil {
		i.HostKeys = *in.HostKeys
	}
	return nil
}

// checkFilePath accepts paths inside a checkout. Absolute ones are judged when
// a task runs, against the roots that the administrator of the machine lists.
func checkFilePath(field, p string) error {
	switch {
	case p == "":
		return invalid(field, "is empty: give the path of the file inside the repository")
	case strings.HasPrefix(p, "-"):
		return invalid(field, "begins with a dash: write ./ in front of it")
	case strings.ContainsFunc(p, unicode.IsControl):
		return invalid(field, "contains a control character")
	case slices.Contains(strings.Split(filepath.ToSlash(p), "/"), ".."):
		return invalid(field, "contains '..': give a plain path inside the repository")
	case !filepath.IsAbs(p) && !filepath.IsLocal(p):
		return invalid(field, "leaves the repository: give a path inside it")
	}
	return nil
}

// seesValues tells whether the caller's role lets them see what variables and
// inventories hold. Guests see names.
func (c *call) seesValues() bool { return c.can(canRun) || c.can(canManage) }

// showInventories hides the text of static inventories from guests: passwords
// of hosts stand there.
func showInventories(c *call, rows []store.Inventory, _ bool) error {
	if c.seesValues() {
		return nil
	}
	for i := range rows {
		if t := rows[i].Type; t == store.InventoryStatic || t == store.InventoryStaticYAML {
			rows[i].Inventory = ""
		}
	}
	return nil
}
