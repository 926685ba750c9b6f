package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore/examples/demo"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// demoDir is where the repository of the demo lives.
func demoDir(dataDir string) string { return filepath.Join(dataDir, "demo") }

// makeDemo makes a project whose tasks really run: a script with a secret, a
// playbook and a Terraform configuration, those whose tools are here. It leaves
// an existing one alone.
func makeDemo(ctx context.Context, p *pool.TaskPool, dataDir string, owner int64, now time.Time) (store.Project, error) {
	st := p.Store()
	found, err := st.Projects().List(ctx, 0, store.Query{Where: map[string]any{"name": "Demo"}})
	if err != nil {
		return store.Project{}, fmt.Errorf("look for the demo: %w", err)
	}
	if len(found.Items) > 0 {
		return found.Items[0], nil
	}
	url, err := demoRepository(ctx, demoDir(dataDir))
	if err != nil {
		return store.Project{}, err
	}
	project, err := st.Projects().Create(ctx, store.Project{Name: "Demo", Created: now, HostKeys: "pin"})
	if err != nil {
		return project, fmt.Errorf("make the demo: %w", err)
	}
	if _, err := st.Projects().Members().Create(ctx, store.Member{ProjectID: project.ID, UserID: owner, Role: "owner"}); err != nil {
		return project, fmt.Errorf("make the demo: %w", err)
	}
	if _, err := st.Views().Create(ctx, store.View{ProjectID: project.ID, Title: "All", Type: "all"}); err != nil {
		return project, fmt.Errorf("make the demo: %w", err)
	}
	return project, demoTemplates(ctx, p, project, url)
}

// demoTemplates makes the templates of the tools that are here.
func demoTemplates(ctx context.Context, p *pool.TaskPool, project store.Project, url string) error {
	empty := "{}"
	b := pool.Blueprint{
		Project:     project.Name,
		Repository:  store.Repository{Name: "Demo", GitURL: url, GitBranch: "main"},
		Key:         &store.AccessKey{Name: "None", Type: store.KeyNone},
		Environment: &store.Environment{Name: "Demo", JSON: `{"greeting":"bonjour"}`, Env: &empty},
		Template: store.Template{Name: "Hello (script)", App: "bash", Playbook: "hello.sh", SurveyVars: []store.SurveyVar{
			{Name: "name", Title: "Whom to greet", DefaultValue: "world"},
		}},
	}
	hello, err := p.Ensure(ctx, b)
	if err != nil {
		return err
	}
	if _, err := p.SaveKey(ctx, store.AccessKey{
		ProjectID: project.ID, Name: "DEMO_TOKEN", Type: store.KeyString, String: "correct-horse-battery-staple",
		Owner: store.OwnerEnvironment, EnvironmentID: hello.EnvironmentID,
	}); err != nil {
		return fmt.Errorf("make the demo: %w", err)
	}
	if onPath("ansible-playbook") {
		site := b
		site.Inventory = &store.Inventory{Name: "This machine", Type: store.InventoryFile, Inventory: "hosts.ini"}
		site.Template = store.Template{Name: "Site (playbook)", App: "ansible", Playbook: "site.yml"}
		if _, err := p.Ensure(ctx, site); err != nil {
			return err
		}
	}
	for _, app := range []string{"terraform", "tofu"} {
		if !onPath(app) {
			continue
		}
		infra := b
		workspace := map[string]store.InventoryType{"terraform": store.InventoryTerraform, "tofu": store.InventoryTofu}[app]
		infra.Inventory = &store.Inventory{Name: "default (" + app + ")", Type: workspace, Inventory: "default"}
		infra.Template = store.Template{Name: "Infra (" + app + ")", App: app, Playbook: "infra"}
		if _, err := p.Ensure(ctx, infra); err != nil {
			return err
		}
	}
	return nil
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// demoRepository writes the files and returns the address of the repository:
// that of a git repository where there is git, else the directory.
func demoRepository(ctx context.Context, dir string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", fmt.Errorf("make the demo: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("make the demo: %w", err)
	}
	if err := os.CopyFS(dir, demo.Files); err != nil {
		return "", fmt.Errorf("make the demo: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("make the demo: %w", err)
	}
	if !onPath("git") {
		return abs, nil
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"add", "."},
		{"-c", "user.name=demo", "-c", "user.email=demo@localhost", "commit", "-q", "-m", "A script, a playbook and a plan"},
	} {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", abs}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("make the demo's repository: git %s: %w: %s", args[0], err, out)
		}
	}
	return "file://" + filepath.ToSlash(abs), nil
}
