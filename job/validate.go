package job

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Validate checks everything about a Spec that can be known before anything
// runs. The error is a *[FieldError] that names the field and the cure.
func (s *Spec) Validate() error {
	checks := []func() error{
		s.checkVersion, s.checkPlaybook, s.checkRepository, s.checkInventory,
		s.checkVariables, s.checkEnvironment, s.checkArgs, s.checkAnsible,
		s.checkTerraform, s.checkVaults, s.checkHostKeys, s.checkLimits,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) checkVersion() error {
	if s.Version != SpecVersion {
		return invalid("version", "is %d, this program knows %d", s.Version, SpecVersion)
	}
	return nil
}

func (s *Spec) checkPlaybook() error {
	if s.Playbook == "" {
		if familyOf(s.App) == familyTerraform {
			return nil
		}
		return invalid("playbook", "is empty: name the playbook or script inside the repository")
	}
	return checkPath("playbook", s.Playbook)
}

// checkPath accepts relative paths that stay inside the checkout. Absolute
// ones are for the caller to judge against the administrator's roots.
func checkPath(field, p string) error {
	switch {
	case strings.HasPrefix(p, "-"):
		return invalid(field, "%q begins with a dash: write ./%s", p, p)
	case strings.ContainsFunc(p, unicode.IsControl):
		return invalid(field, "contains a control character")
	case !filepath.IsAbs(p) && !filepath.IsLocal(p):
		return invalid(field, "%q leaves the repository: give a path inside it", p)
	case slices.Contains(strings.Split(filepath.ToSlash(p), "/"), ".."):
		return invalid(field, "%q contains '..': give a plain path", p)
	}
	return nil
}

func (s *Spec) checkRepository() error {
	return checkRepository("repository", &s.Repository)
}

func checkRepository(field string, r *Repository) error {
	if err := CheckRepositoryURL(r.URL); err != nil {
		return refield(field+".url", err)
	}
	if r.Branch != "" {
		if err := CheckRef(r.Branch); err != nil {
			return refield(field+".branch", err)
		}
	}
	if r.Commit != "" {
		if err := CheckCommit(r.Commit); err != nil {
			return refield(field+".commit", err)
		}
	}
	if r.Depth < 0 {
		return invalid(field+".depth", "is negative: use 0 for the whole history")
	}
	return checkKey(field+".key", r.Key)
}

// refield names the field of this Spec in an error about a value.
func refield(field string, err error) error {
	if fe, ok := err.(*FieldError); ok { //nolint:errorlint // made by this package, never wrapped
		return &FieldError{Field: field, Reason: fe.Reason}
	}
	return invalid(field, "%v", err)
}

func (s *Spec) checkInventory() error {
	inv := s.Inventory
	if inv == nil {
		return nil
	}
	family := familyOf(s.App)
	switch inv.Type {
	case StaticINI, StaticYAML:
		if emptyInventory(inv.Text) {
			return invalid("inventory.text", "is empty: add hosts, a task never falls back to others")
		}
	case InventoryFile:
		if inv.Text == "" {
			return invalid("inventory.text", "is empty: give the inventory's path inside the repository")
		}
		if err := checkPath("inventory.text", inv.Text); err != nil {
			return err
		}
	case TerraformWorkspace, TofuWorkspace, TerragruntWorkspace:
		if !workspacePattern.MatchString(inv.Text) {
			return invalid("inventory.text", "%q is no workspace name: use letters, digits, dot, dash and underscore, a letter or digit first", inv.Text)
		}
	default:
		return invalid("inventory.type", "unknown type %q", inv.Type)
	}
	isWorkspace := strings.HasSuffix(string(inv.Type), "-workspace")
	if family == familyAnsible && isWorkspace {
		return invalid("inventory.type", "%s is not for ansible: use static, static-yaml or file", inv.Type)
	}
	if inv.Repository != nil {
		if err := checkRepository("inventory.repository", inv.Repository); err != nil {
			return err
		}
	}
	if err := checkKey("inventory.user_key", inv.UserKey); err != nil {
		return err
	}
	if k := inv.BecomeKey; k != nil && k.Type != KeyLoginPassword && k.Type != KeyNone {
		return invalid("inventory.become_key", "is of type %s: become needs login and password", k.Type)
	}
	return checkKey("inventory.become_key", inv.BecomeKey)
}

var workspacePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,89}$`)

// emptyInventory tells whether a static inventory holds nothing but comments
// and blank lines.
func emptyInventory(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && line != "---" && line != "..." && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			return false
		}
	}
	return true
}

func checkKey(field string, k *Key) error {
	if k == nil {
		return nil
	}
	if strings.HasPrefix(k.Login, "-") || strings.ContainsFunc(k.Login, unicode.IsControl) {
		return invalid(field+".login", "begins with a dash or contains a control character")
	}
	if strings.ContainsAny(k.Password.Reveal(), "\x00\n\r") {
		return invalid(field+".password", "contains a line break: a password is one line")
	}
	switch k.Type {
	case KeyNone, KeyLoginPassword:
		return nil
	case KeySSH:
		return checkSSHKey(field, k)
	default:
		return invalid(field+".type", "is %q: use ssh, login_password or none", k.Type)
	}
}

func (s *Spec) checkHostKeys() error {
	switch s.HostKeys.Policy {
	case "", HostKeysOff, HostKeysPin, HostKeysStrict:
	default:
		return invalid("host_keys.policy", "is %q: use off, pin or strict", s.HostKeys.Policy)
	}
	for i, k := range s.HostKeys.Known {
		if strings.ContainsAny(k.Host, " \t\r\n") || k.Host == "" || strings.ContainsAny(k.Key, "\r\n") || len(strings.Fields(k.Key)) < 2 {
			return invalid(fmt.Sprintf("host_keys.known[%d]", i), "is no host and key as known_hosts has them")
		}
	}
	return nil
}

func (s *Spec) checkLimits() error {
	l := s.Limits
	if l.Timeout < 0 || l.StopGrace < 0 || l.LogQuota < 0 || l.RepoBytes < 0 {
		return invalid("limits", "contain a negative value: use 0 for none")
	}
	switch s.Template.Workspace {
	case "", Fresh, Keep:
	default:
		return invalid("template.workspace", "is %q: use fresh or keep", s.Template.Workspace)
	}
	return nil
}

// slashDir is the directory part of a path inside a checkout, "." for none.
func slashDir(p string) string { return path.Dir(filepath.ToSlash(p)) }
