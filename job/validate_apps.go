package job

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

func (s *Spec) checkArgs() error {
	if familyOf(s.App) == familyTerraform {
		return nil
	}
	list, err := s.TemplateArgs.array("template_args")
	if err != nil {
		return err
	}
	task, err := s.TaskArgs.array("task_args")
	if err != nil {
		return err
	}
	if familyOf(s.App) != familyAnsible {
		return nil
	}
	for _, args := range []struct {
		field string
		list  []string
	}{{"template_args", list}, {"task_args", task}} {
		if emptyLimitArg(args.list) {
			return invalid(args.field, "contains an empty --limit, which would mean all hosts: name the hosts or leave the option out")
		}
	}
	return nil
}

// emptyLimitArg finds a limit or inventory option without a value.
func emptyLimitArg(args []string) bool {
	for i, arg := range args {
		name, value, hasValue := strings.Cut(arg, "=")
		switch {
		case selectsHosts(name):
			if hasValue {
				if blankList(strings.Split(value, ",")) {
					return true
				}
				continue
			}
		case shortSelect.MatchString(arg):
		default:
			continue
		}
		if i+1 >= len(args) || blankList(strings.Split(args[i+1], ",")) {
			return true
		}
	}
	return false
}

// shortSelect is -l or -i as the last of grouped options without values.
var shortSelect = regexp.MustCompile(`^-[bCDkKvh]*[li]$`)

// selectsHosts knows the long options that choose hosts, and the beginnings
// that Ansible takes for them.
func selectsHosts(name string) bool {
	for _, option := range []string{"--limit", "--subset", "--inventory-file"} {
		if len(name) >= len("--li") && strings.HasPrefix(option, name) {
			return true
		}
	}
	return false
}

// blankList tells whether no element says anything.
func blankList(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return strings.TrimSpace(s) != "" })
}

func (s *Spec) checkAnsible() error {
	if s.Ansible == nil {
		return nil
	}
	if familyOf(s.App) != familyAnsible {
		return invalid("ansible", "options are for the app ansible, this one is %s", s.App)
	}
	for _, list := range []struct {
		field  string
		values []string
	}{
		{"ansible.limit", s.Ansible.limit()},
		{"ansible.tags", s.Ansible.tags()},
		{"ansible.skip_tags", s.Ansible.skipTags()},
	} {
		for _, v := range list.values {
			if strings.TrimSpace(v) == "" {
				return invalid(list.field, "contains an empty entry: name it or leave the list out")
			}
			if strings.ContainsFunc(v, unicode.IsControl) {
				return invalid(list.field, "contains a control character")
			}
		}
	}
	if l := s.Ansible.limit(); len(l) > 0 && blankList(strings.Split(strings.Join(l, ","), ",")) {
		return invalid("ansible.limit", "is empty, which would mean all hosts: name the hosts")
	}
	return nil
}

var backendFilePattern = regexp.MustCompile(`^[A-Za-z0-9_\-.]+\.tf$`)

func (s *Spec) checkTerraform() error {
	o := s.Terraform
	if o == nil {
		return nil
	}
	if familyOf(s.App) != familyTerraform {
		return invalid("terraform", "options are for terraform, tofu and terragrunt, this app is %s", s.App)
	}
	if o.BackendFile != "" && !backendFilePattern.MatchString(o.BackendFile) {
		return invalid("terraform.backend_file", "%q is no name of a Terraform file: letters, digits, '_', '-' and '.', ending in .tf", o.BackendFile)
	}
	if o.TaskDestroy && !o.AllowDestroy {
		return invalid("terraform.task_destroy", "the template does not allow to destroy: set allow_destroy")
	}
	if o.TaskAutoApprove && !o.AllowAutoApprove && !o.AutoApprove {
		return invalid("terraform.task_auto_approve", "the template does not allow it: set allow_auto_approve")
	}
	return nil
}

func (s *Spec) checkVaults() error {
	seen := map[string]bool{}
	for i, v := range s.Vaults {
		field := fmt.Sprintf("vaults[%d]", i)
		name := v.name()
		switch {
		case familyOf(s.App) != familyAnsible:
			return invalid(field, "vault passwords are for the app ansible")
		case strings.ContainsAny(name, "@,") || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
			return invalid(field+".name", "%q cannot be a vault id: no '@', comma or space", name)
		case seen[name]:
			return invalid(field+".name", "vault id %q is given twice", name)
		case v.Script == "" && v.Password.Empty():
			return invalid(field, "vault id %q has neither password nor script", name)
		case v.Script != "" && !v.Password.Empty():
			return invalid(field, "vault id %q has both password and script: choose one", name)
		case v.Script == "" && strings.ContainsAny(v.Password.Reveal(), "\n\r\x00"):
			return invalid(field+".password", "contains a line break: a vault password is one line")
		}
		seen[name] = true
		if v.Script != "" {
			if err := checkPath(field+".script", v.Script); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v Vault) name() string {
	if v.Name == "" {
		return "default"
	}
	return v.Name
}
