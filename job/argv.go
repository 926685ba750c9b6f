package job

import "strings"

// ansibleFiles are the paths that Ansible's command line names.
type ansibleFiles struct {
	inventory          []string // in order; empty leaves it to Ansible's configuration
	extraVars          string
	connectionPassword string   // "" for none
	becomePassword     string   // "" for none
	vaultIDs           []string // "name@path"
}

// ansibleArgs builds the arguments of ansible-playbook.
func ansibleArgs(spec *Spec, files ansibleFiles) []string {
	var args []string
	for _, inventory := range files.inventory {
		args = append(args, "-i", inventory)
	}
	if inv := spec.Inventory; inv != nil {
		if key := inv.UserKey; key != nil && key.Type != KeyNone && key.Login != "" {
			args = append(args, "--user", key.Login)
		}
		if files.connectionPassword != "" {
			args = append(args, "--connection-password-file", files.connectionPassword)
		}
		if key := inv.BecomeKey; key != nil && key.Type != KeyNone && key.Login != "" {
			args = append(args, "--become-user", key.Login)
		}
		if files.becomePassword != "" {
			args = append(args, "--become-password-file", files.becomePassword)
		}
	}
	options := spec.ansible()
	if options.AllowDebug && options.Debug {
		args = append(args, "-"+strings.Repeat("v", debugLevel(options.DebugLevel)))
	}
	if options.Diff {
		args = append(args, "--diff")
	}
	if options.Check {
		args = append(args, "--check")
	}
	for _, id := range files.vaultIDs {
		args = append(args, "--vault-id="+id)
	}
	args = append(args, "--extra-vars", "@"+files.extraVars)
	args = append(args, spec.TemplateArgs.List...)
	args = appendJoined(args, "--limit", options.limit())
	args = appendJoined(args, "--tags", options.tags())
	args = appendJoined(args, "--skip-tags", options.skipTags())
	if spec.Template.AllowOverrideArgs {
		args = append(args, spec.TaskArgs.List...)
	}
	return append(args, spec.Playbook)
}

func debugLevel(level int) int {
	switch {
	case level < 1:
		return 4
	case level > 6:
		return 6
	default:
		return level
	}
}

func appendJoined(args []string, option string, values []string) []string {
	if len(values) == 0 {
		return args
	}
	return append(args, option+"="+strings.Join(values, ","))
}

// ansible returns the options, the zero value where there are none.
func (s *Spec) ansible() AnsibleOptions {
	if s.Ansible == nil {
		return AnsibleOptions{}
	}
	return *s.Ansible
}

// limit is the effective limit: the task's where the template lets it.
func (o AnsibleOptions) limit() []string {
	return override(o.AllowOverrideLimit, o.TaskLimit, o.Limit)
}

func (o AnsibleOptions) tags() []string {
	return override(o.AllowOverrideTags, o.TaskTags, o.Tags)
}

func (o AnsibleOptions) skipTags() []string {
	return override(o.AllowOverrideSkipTags, o.TaskSkipTags, o.SkipTags)
}

// override is the task's list where it may and does say something. An empty
// list is no override: it would turn a limit into all hosts.
func override(allowed bool, task, template []string) []string {
	if allowed && len(task) > 0 {
		return task
	}
	return template
}

// scriptArgs builds the arguments of a script's interpreter, behind the app's
// leading ones. Variables follow the template's arguments, sorted by name.
func scriptArgs(spec *Spec) []string {
	args := []string{spec.Playbook}
	if spec.Template.SecretArgs {
		for _, secret := range spec.Secrets {
			if secret.Kind == SecretExt {
				args = append(args, secret.Name+"="+secret.Value.Reveal())
			}
		}
	}
	args = append(args, spec.TemplateArgs.List...)
	for _, name := range sortedKeys(spec.Variables) {
		args = append(args, name+"="+formatValue(spec.Variables[name]))
	}
	if spec.Template.AllowOverrideArgs {
		args = append(args, spec.TaskArgs.List...)
	}
	return args
}
