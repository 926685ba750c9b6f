package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// backendOverride is the file that makes Terraform use the HTTP backend.
const backendOverride = "terraform {\n  backend \"http\" {\n  }\n}\n"

// writeBackend puts the override file into the configuration for the time of
// the run. A file of the user's own directory is never overwritten.
func (t *terraformRun) writeBackend() error {
	options := t.spec.terraform()
	if !options.OverrideBackend {
		return nil
	}
	name := options.BackendFile
	if name == "" {
		name = "backend.tf"
	}
	root, err := os.OpenRoot(t.work)
	if err != nil {
		return fmt.Errorf("open configuration: %w", err)
	}
	defer root.Close()
	_, err = root.Lstat(name)
	exists := !errors.Is(err, fs.ErrNotExist)
	if exists && t.checkout.inPlace {
		return invalid("terraform.backend_file", "%s exists and would be overwritten: name another file", name)
	}
	if exists {
		if err := root.Remove(name); err != nil {
			return fmt.Errorf("replace %s: %w", name, err)
		}
	}
	if t.checkout.inPlace {
		t.dir.record.Override = filepath.Join(t.work, name)
		if err := t.dir.save(); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.WriteString(backendOverride)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	work := t.work
	t.atEnd(func() error {
		root, err := os.OpenRoot(work)
		if err != nil {
			return err
		}
		defer root.Close()
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		return nil
	})
	return nil
}

// writeVariables writes the variable file, after a look at whether the
// configuration declares what is given.
func (t *terraformRun) writeVariables() error {
	vars := terraformVariables(t.spec)
	if len(vars) == 0 {
		return nil
	}
	if t.spec.App != "terragrunt" { // its configuration may come from elsewhere
		declared, err := declaredVariables(t.work)
		if err != nil {
			return err
		}
		for _, name := range sortedKeys(vars) {
			if !declared[name] {
				return invalid("variables", "%q is not declared in %s: add variable %q {} or remove the value", name, t.configName(), name)
			}
		}
	}
	text, err := marshalPlain(vars)
	if err != nil {
		return invalid("variables", "cannot be written as JSON: %v", err)
	}
	if _, err = t.dir.secret("variables.tfvars.json", text); err != nil {
		return err
	}
	t.varFile = t.dir.linked(dirSecret, "variables.tfvars.json")
	return nil
}

func (t *terraformRun) configName() string {
	if t.spec.Playbook == "" || t.spec.Playbook == "." {
		return "the root module"
	}
	return t.spec.Playbook
}

var (
	// Compiled on first use: its Unicode classes would cost every start.
	declarationPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^[ \t]*variable[ \t]+"?([\pL_][\pL\pN_-]*)"?[ \t]*\{`)
	})
	configSuffixes = []string{".tf", ".tofu"}
)

// declaredVariables lists the variables that the files of a root module
// declare. A block's header stands on one line by the language's own rules.
func declaredVariables(dir string) (map[string]bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	declared := map[string]bool{}
	for _, entry := range entries {
		name := entry.Name()
		isJSON := strings.HasSuffix(name, ".tf.json") || strings.HasSuffix(name, ".tofu.json")
		isHCL := strings.HasSuffix(name, configSuffixes[0]) || strings.HasSuffix(name, configSuffixes[1])
		if !isJSON && !isHCL {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		if isJSON {
			var file struct {
				Variable map[string]json.RawMessage `json:"variable"`
			}
			if json.Unmarshal(text, &file) == nil {
				for name := range file.Variable {
					declared[name] = true
				}
			}
			continue
		}
		for _, m := range declarationPattern().FindAllSubmatch(text, -1) {
			declared[string(m[1])] = true
		}
	}
	return declared, nil
}

// parsePlan reads what `show -json` prints of a plan.
func parsePlan(text []byte) (PlanSummary, error) {
	var plan struct {
		ResourceChanges []struct {
			Address         string `json:"address"`
			PreviousAddress string `json:"previous_address"`
			Change          struct {
				Actions   []string        `json:"actions"`
				Importing json.RawMessage `json:"importing"`
			} `json:"change"`
		} `json:"resource_changes"`
		OutputChanges map[string]struct {
			Actions []string `json:"actions"`
		} `json:"output_changes"`
	}
	if err := decodeAmong(text, '{', &plan); err != nil {
		return PlanSummary{}, fmt.Errorf("read plan: %w", err)
	}
	summary := PlanSummary{Changes: []PlanChange{}}
	for _, rc := range plan.ResourceChanges {
		action := strings.Join(rc.Change.Actions, ",")
		switch action {
		case "create":
			summary.Add++
		case "update":
			summary.Change++
		case "delete":
			summary.Destroy++
		case "delete,create", "create,delete":
			action = "replace"
			summary.Add++
			summary.Destroy++
		case "no-op", "read":
			switch {
			case len(rc.Change.Importing) > 0:
				action = "import"
			case rc.PreviousAddress != "" && rc.PreviousAddress != rc.Address:
				action = "move"
			default:
				continue
			}
		}
		summary.Changes = append(summary.Changes, PlanChange{Address: rc.Address, Action: action})
	}
	for _, oc := range plan.OutputChanges {
		if len(oc.Actions) != 1 || oc.Actions[0] != "no-op" {
			summary.Outputs++
		}
	}
	return summary, nil
}
