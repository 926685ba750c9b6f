package job

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
)

// App tells where an app's program is. The administrator fills
// [LocalConfig.Apps]; the built-in apps need no entry.
type App struct {
	Path     string   // program; "" means the app's usual one on PATH
	Args     []string // leading arguments, in place of the app's usual ones
	Disabled bool     // tasks of this app are refused
}

// appFamily decides how an app is driven.
type appFamily int

const (
	familyAnsible appFamily = iota
	familyTerraform
	familyScript
)

// tool is an app resolved to a program.
type tool struct {
	app    string
	family appFamily
	path   string
	args   []string
	leader bool // stops by INT to the leader alone
}

// builtinApps are the programs of the apps that need no configuration, the
// first that exists, with their leading arguments and what to install.
var builtinApps = map[string]struct {
	family   appFamily
	programs []string
	args     []string
	install  string
}{
	"ansible":    {familyAnsible, []string{"ansible-playbook"}, nil, "ansible-core"},
	"terraform":  {familyTerraform, []string{"terraform"}, nil, "terraform"},
	"tofu":       {familyTerraform, []string{"tofu"}, nil, "OpenTofu"},
	"terragrunt": {familyTerraform, []string{"terragrunt"}, nil, "Terragrunt"},
	"bash":       {familyScript, []string{"bash"}, nil, "bash"},
	"python":     {familyScript, []string{"python3"}, nil, "python3"},
	"powershell": {familyScript, []string{"powershell", "pwsh"}, []string{"-File"}, "PowerShell"},
	"pulumi":     {familyScript, []string{"pulumi"}, nil, "Pulumi"},
}

// appNames lists the apps that may be asked for, sorted.
func appNames(apps map[string]App) []string {
	var names []string
	for name := range builtinApps {
		if !apps[name].Disabled {
			names = append(names, name)
		}
	}
	for name, app := range apps {
		if _, builtin := builtinApps[name]; !builtin && !app.Disabled {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// familyOf tells how an app is driven; an unknown app is a script, as the
// administrator's own apps are.
func familyOf(app string) appFamily {
	if b, ok := builtinApps[app]; ok {
		return b.family
	}
	return familyScript
}

// resolveApp finds the program of an app in the given PATH.
func resolveApp(app string, apps map[string]App, path string) (tool, error) {
	configured, isConfigured := apps[app]
	builtin, isBuiltin := builtinApps[app]
	switch {
	case app == "":
		return tool{}, invalid("app", "is empty: choose one of %s", strings.Join(appNames(apps), ", "))
	case configured.Disabled:
		return tool{}, invalid("app", "%q is not active on this machine", app)
	case !isBuiltin && (!isConfigured || configured.Path == ""):
		return tool{}, invalid("app", "unknown app %q: choose one of %s", app, strings.Join(appNames(apps), ", "))
	}
	t := tool{app: app, family: familyOf(app), args: slices.Clone(builtin.args)}
	t.leader = t.family == familyTerraform || app == "pulumi"
	if isConfigured && configured.Args != nil {
		t.args = slices.Clone(configured.Args)
	}
	if configured.Path != "" {
		found, ok := findProgram(configured.Path, path)
		if !ok {
			return tool{}, invalid("app", "%s, configured for %s, is not an executable: correct the app's path", configured.Path, app)
		}
		t.path = found
		return t, nil
	}
	for _, program := range builtin.programs {
		if found, ok := findProgram(program, path); ok {
			t.path = found
			return t, nil
		}
	}
	return tool{}, invalid("app", "%s is not on PATH: install %s", builtin.programs[0], builtin.install)
}

// findProgram looks a program up as a shell would, in path rather than in this
// process's own PATH. Relative entries of path are passed over.
func findProgram(name, path string) (string, bool) {
	if strings.ContainsRune(name, filepath.Separator) {
		return name, isExecutable(name)
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		file := filepath.Join(dir, name)
		if isExecutable(file) {
			return file, true
		}
		if runtime.GOOS == "windows" && isExecutable(file+".exe") {
			return file + ".exe", true
		}
	}
	return "", false
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	return runtime.GOOS == "windows" || info.Mode()&0o111 != 0
}
