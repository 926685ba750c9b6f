package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// target is what is to be run: an app and a path inside the repository.
type target struct {
	app  string
	path string
}

var playsPattern = regexp.MustCompile(`(?m)^[ \t]*-?[ \t]*["']?(hosts|(ansible\.builtin\.)?import_playbook|include)["']?[ \t]*:`)

// guess fills in what was not said: the app by the file's name and content,
// the file by what lies in the directory. Root is "" for a remote repository,
// which cannot be looked into.
func guess(root string, t target) (target, error) {
	if t.path == "" && t.app == "" {
		if root == "" {
			return t, usage("say what to run: a playbook, script or directory of the repository")
		}
		return guessDirectory(root)
	}
	if t.app != "" {
		return t, nil
	}
	switch ext := strings.ToLower(filepath.Ext(t.path)); ext {
	case ".sh", ".bash":
		t.app = "bash"
	case ".py":
		t.app = "python"
	case ".ps1":
		t.app = "powershell"
	case ".yml", ".yaml":
		t.app = "ansible"
		if text, err := os.ReadFile(filepath.Join(root, t.path)); root != "" && err == nil && !playsPattern.Match(text) {
			return t, usage("%s has no plays: give a playbook, or say --app", t.path)
		}
	default:
		if root == "" {
			t.app = "terraform"
			return t, nil
		}
		info, err := os.Stat(filepath.Join(root, t.path))
		if err != nil {
			return t, usage("%s does not exist", t.path)
		}
		if !info.IsDir() {
			return t, usage("cannot tell how to run %s: say --app, such as --app bash", t.path)
		}
		inner, err := guessDirectory(filepath.Join(root, t.path))
		if err != nil {
			return t, err
		}
		return target{app: inner.app, path: filepath.Join(t.path, inner.path)}, nil
	}
	return t, nil
}

// guessDirectory looks for what a directory is there for.
func guessDirectory(dir string) (target, error) {
	has := func(pattern string) bool {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		return err == nil && len(found) > 0
	}
	switch {
	case has("terragrunt.hcl"):
		return target{app: "terragrunt"}, nil
	case has("*.tofu"):
		return target{app: "tofu"}, nil
	case has("*.tf"), has("*.tf.json"):
		return target{app: terraformOrTofu()}, nil
	}
	for _, name := range []string{"site.yml", "site.yaml", "playbook.yml", "playbook.yaml", "main.yml"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && playsPattern.Match(text) {
			return target{app: "ansible", path: name}, nil
		}
	}
	return target{}, usage("say what to run: this directory has no Terraform files and no site.yml")
}

// terraformOrTofu prefers terraform, and takes tofu where only that is there.
func terraformOrTofu() string {
	if _, err := exec.LookPath("terraform"); err != nil {
		if _, err := exec.LookPath("tofu"); err == nil {
			return "tofu"
		}
	}
	return "terraform"
}
