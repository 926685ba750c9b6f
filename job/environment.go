package job

import (
	"fmt"
	"slices"
	"strings"
)

// environ is an environment under construction. A later set wins, and the
// order is that of the first set, so that it can be compared.
type environ struct {
	names  []string
	values map[string]string
}

func newEnviron() *environ { return &environ{values: map[string]string{}} }

func (e *environ) set(name, value string) {
	if _, ok := e.values[name]; !ok {
		e.names = append(e.names, name)
	}
	e.values[name] = value
}

// setAll sets "NAME=value" pairs.
func (e *environ) setAll(pairs []string) {
	for _, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok && name != "" {
			e.set(name, value)
		}
	}
}

func (e *environ) unset(name string) {
	if _, ok := e.values[name]; ok {
		delete(e.values, name)
		e.names = slices.DeleteFunc(e.names, func(n string) bool { return n == name })
	}
}

func (e *environ) get(name string) string { return e.values[name] }

// prepend puts a directory in front of a list variable such as PATH.
func (e *environ) prepend(name, dir string) {
	if old := e.values[name]; old != "" {
		dir += ":" + old
	}
	e.set(name, dir)
}

// list returns the pairs.
func (e *environ) list() []string {
	pairs := make([]string, 0, len(e.names))
	for _, name := range e.names {
		pairs = append(pairs, name+"="+e.values[name])
	}
	return pairs
}

// baseEnviron is what every tool, git included, starts with: PATH, a UTF-8
// locale, what the administrator forwards and sets.
func baseEnviron(cfg LocalConfig, lookup func(string) (string, bool)) *environ {
	env := newEnviron()
	env.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	if path, ok := lookup("PATH"); ok && path != "" {
		env.set("PATH", path)
	}
	env.set("LANG", "C.UTF-8")
	for _, name := range cfg.ForwardEnv {
		if value, ok := lookup(name); ok && value != "" {
			env.set(name, value)
		}
	}
	for _, name := range sortedKeys(cfg.Env) {
		env.set(name, cfg.Env[name])
	}
	return env
}

// toolDirs are the directories that an environment names.
type toolDirs struct {
	home        string // HOME
	work        string // PWD
	temp        string // TMPDIR
	cache       string // SEMAPHORE_CACHE_DIR
	ansibleHome string // ANSIBLE_HOME; "" leaves it alone
	localTemp   string // ANSIBLE_LOCAL_TEMP
	controlPath string // ANSIBLE_SSH_CONTROL_PATH_DIR
}

// toolEnviron is the environment of the app's program. What the variable group
// sets wins over everything but the names of this package.
func toolEnviron(spec *Spec, base *environ, dirs toolDirs, commit Commit) *environ {
	env := newEnviron()
	family := familyOf(spec.App)
	env.set("PYTHONUNBUFFERED", "1")
	if family == familyAnsible {
		env.set("ANSIBLE_FORCE_COLOR", "True")
		env.set("ANSIBLE_HOST_KEY_CHECKING", "False")
	}
	env.setAll(base.list())
	env.set("HOME", dirs.home)
	env.set("PWD", dirs.work)
	env.set("TMPDIR", dirs.temp)
	if family == familyAnsible {
		ansibleEnviron(env, spec, dirs)
	}
	for _, name := range sortedKeys(spec.Environment) {
		env.set(name, spec.Environment[name])
	}
	setSecrets(env, spec)
	env.set("SEMAPHORE_CACHE_DIR", dirs.cache)
	if family == familyScript {
		for _, d := range taskDetails(spec, commit) {
			env.set("SEMAPHORE_TASK_DETAILS_"+strings.ToUpper(d.name), printable(fmt.Sprint(d.value)))
		}
	}
	if t := spec.Task; t.Type != "" {
		env.set("SEMAPHORE_TASK_TYPE", t.Type)
		if t.IncomingVersion != "" {
			env.set("SEMAPHORE_TASK_INCOMING_VERSION", t.IncomingVersion)
		}
		if t.Type == "build" && t.TargetVersion != "" {
			env.set("SEMAPHORE_TASK_TARGET_VERSION", t.TargetVersion)
		}
	}
	if o := spec.Terraform; family == familyTerraform && o != nil && o.BackendAddress != "" {
		env.set("TF_HTTP_ADDRESS", o.BackendAddress)
	}
	return env
}

func ansibleEnviron(env *environ, spec *Spec, dirs toolDirs) {
	if dirs.ansibleHome != "" {
		env.set("ANSIBLE_HOME", dirs.ansibleHome)
	}
	env.set("ANSIBLE_LOCAL_TEMP", dirs.localTemp)
	env.set("ANSIBLE_SSH_CONTROL_PATH_DIR", dirs.controlPath)
	if checksHostKeys(spec.HostKeys.Policy) {
		env.set("ANSIBLE_HOST_KEY_CHECKING", "True")
	}
}

// setSecrets puts secrets into the environment: those meant for it, and, for
// scripts, which have no variable file, the others too.
func setSecrets(env *environ, spec *Spec) {
	script := familyOf(spec.App) == familyScript
	for _, secret := range spec.Secrets {
		if secret.Kind == SecretEnv || script {
			env.set(secret.Name, secret.Value.Reveal())
		}
	}
	if script {
		for _, name := range sortedKeys(spec.Survey) {
			env.set(name, spec.Survey[name].Reveal())
		}
	}
}

func checksHostKeys(p HostKeyPolicy) bool { return p == HostKeysPin || p == HostKeysStrict }

// reservedNames are environment variables that decide what a program loads or
// runs. Tasks, surveys and webhooks cannot set them.
var (
	reservedNames    = []string{"PATH", "HOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "PERL5LIB", "PERL5OPT", "NODE_OPTIONS"}
	reservedPrefixes = []string{"LD_", "DYLD_", "GIT_", "SSH_", "SEMAPHORE_"}
)

// ReservedName tells whether an environment variable of this name is refused
// from tasks, surveys and webhooks. The comparison ignores case.
func ReservedName(name string) bool {
	upper := strings.ToUpper(name)
	if slices.Contains(reservedNames, upper) {
		return true
	}
	return slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(upper, p) })
}
