package job

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// localStateFile tells where Terraform keeps the state, if the backend is the
// local one. A path outside the run directory top is
// somebody's own file.
func localStateFile(text []byte, work, top, workspace string) (file string, local bool, err error) {
	var record struct {
		Backend struct {
			Type   string `json:"type"`
			Config struct {
				Path         *string `json:"path"`
				WorkspaceDir *string `json:"workspace_dir"`
			} `json:"config"`
		} `json:"backend"`
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &record); err != nil {
			return "", false, fmt.Errorf("read terraform's backend record: %w", err)
		}
	}
	if kind := record.Backend.Type; kind != "" && kind != "local" {
		return "", false, nil
	}
	file = "terraform.tfstate"
	config := record.Backend.Config
	if workspace != "default" {
		dir := "terraform.tfstate.d"
		if config.WorkspaceDir != nil && *config.WorkspaceDir != "" {
			dir = *config.WorkspaceDir
		}
		file = filepath.Join(dir, workspace, "terraform.tfstate")
	} else if config.Path != nil && *config.Path != "" {
		file = *config.Path
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(work, file)
	}
	if rel, err := filepath.Rel(top, file); err != nil || !filepath.IsLocal(rel) {
		return "", false, nil
	}
	return file, true, nil
}

// parseState reads lineage and serial. Terraform writes in place, so a read in
// the middle of a write does not parse.
func parseState(text []byte) (TerraformState, bool) {
	var head struct {
		Version int    `json:"version"`
		Serial  uint64 `json:"serial"`
		Lineage string `json:"lineage"`
	}
	if json.Unmarshal(text, &head) != nil || head.Version == 0 || head.Lineage == "" {
		return TerraformState{}, false
	}
	return TerraformState{Lineage: head.Lineage, Serial: head.Serial, Data: text}, true
}

// providersMissing tells whether a state names a provider that is not
// installed.
func providersMissing(state []byte, dataDir string) bool {
	var content struct {
		Resources []struct {
			Provider string `json:"provider"`
		} `json:"resources"`
	}
	if json.Unmarshal(state, &content) != nil {
		return false
	}
	for _, res := range content.Resources {
		_, source, ok := strings.Cut(res.Provider, `provider["`)
		source, _, closed := strings.Cut(source, `"]`)
		if !ok || !closed || strings.HasPrefix(source, "terraform.io/builtin/") {
			continue
		}
		if _, err := os.Stat(filepath.Join(dataDir, "providers", filepath.FromSlash(source))); err != nil {
			return true
		}
	}
	return false
}
