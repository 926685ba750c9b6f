package moving_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/internal/moving"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func ptr[T any](v T) *T { return &v }

// load reads a configuration file with the given mode.
func load(t *testing.T, mode os.FileMode, keys map[string]any) (*config.Config, config.Report) {
	t.Helper()
	keys["data_dir"] = t.TempDir()
	text, err := json.Marshal(keys)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, os.WriteFile(file, text, mode))
	require.NoError(t, os.Chmod(file, mode))
	cfg, report, err := config.Load(config.Options{File: file, Env: []string{}})
	require.NoError(t, err)
	return cfg, report
}

// troubled is an installation with everything that there is a code for.
func troubled(t *testing.T) moving.Input {
	t.Helper()
	cfg, loaded := load(t, 0o644, map[string]any{
		"cookie_hash": "AAAA", "tls": map[string]any{"enabled": true}, "apps": map[string]any{"off": map[string]any{"active": false, "path": "there"}},
	})
	checkouts := t.TempDir()
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.d/red/terraform.tfstate", "terraform.tfstate.d/red/.terraform.tfstate.lock.info"} {
		path := filepath.Join(checkouts, "project_1", "repository_1_template_3", filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(`{"lineage":"a","serial":1}`), 0o600))
	}
	future := time.Now().Add(time.Hour)
	return moving.Input{
		Config: cfg, Loaded: loaded, Checkouts: checkouts,
		LookPath: func(program string) (string, error) {
			if program == "there" {
				return "/bin/there", nil
			}
			return "", errors.New("not found")
		},
		Old: &foreign.Report{Source: foreign.Origin{Dialect: "mysql", Place: "mysql://h/n"}, Kinds: []*foreign.KindReport{
			{Kind: "key", Notes: []foreign.Note{{ID: 1, Field: "secret", Reason: "cannot be opened"}, {ID: 2, Refused: true, Reason: "has no id"}}},
			{Kind: "runner", Notes: []foreign.Note{{ID: 1, Field: "public_key", Reason: "x"}}},
			{Kind: "template", Notes: []foreign.Note{{ID: 1, Field: "survey_vars", Reason: "the default of the secret variable s is left out"}}},
			{Kind: "user", Notes: []foreign.Note{{ID: 1, Field: "email", Reason: "was empty"}}},
		}},
		Rows: &foreign.Rows{
			Projects:     []store.Project{{ID: 1, Name: "p"}},
			Repositories: []store.Repository{{ID: 1, ProjectID: 1, GitURL: "/srv/code"}, {ID: 2, ProjectID: 1, GitURL: "ext::sh -c x"}},
			Inventories:  []store.Inventory{{ID: 1, ProjectID: 1, Type: store.InventoryFile, Inventory: "/etc/hosts.ini"}, {ID: 2, ProjectID: 1, Type: store.InventoryFile, Inventory: "../x"}},
			Environments: []store.Environment{{ID: 1, ProjectID: 1, JSON: "{}", Env: ptr(`{"SEMAPHORE_X":"1","PATH":"/bin"}`)}},
			Keys: []store.AccessKey{
				{ID: 1, ProjectID: 1, Name: "s", Owner: store.OwnerVariable, EnvironmentID: ptr(int64(1))},
				{ID: 2, ProjectID: 1, SourceStorageType: ptr("env"), SourceStorageKey: ptr("DB_PASS")},
				{ID: 3, ProjectID: 1, SourceStorageType: ptr("file"), SourceStorageKey: ptr("/etc/secret")},
			},
			Templates: []store.Template{
				{ID: 1, ProjectID: 1, App: "bash", EnvironmentID: ptr(int64(1)), SurveyVars: []store.SurveyVar{{Name: "LD_PRELOAD"}, {Name: "saved", Required: true}, {Name: "asked", Required: true}}},
				{ID: 2, ProjectID: 1, App: "cobol"},
				{ID: 3, ProjectID: 1, App: "terraform", RepositoryID: 1},
				{ID: 4, ProjectID: 1, App: "off"},
			},
			Integrations: []store.Integration{{ID: 1, ProjectID: 1}, {ID: 2, ProjectID: 1, AuthMethod: "hmac"}},
			TaskParams:   []store.TaskParams{{ID: 1, ProjectID: 1, ScheduleID: ptr(int64(1)), Environment: `{"saved":"x"}`}},
			Schedules:    []store.Schedule{{ID: 1, ProjectID: 1, TemplateID: 1, Active: true, CronFormat: "every day"}, {ID: 2, ProjectID: 1, Active: true, Type: store.ScheduleRunAt, RunAt: &future}},
		},
	}
}

func codesOf(list []moving.Finding) []string {
	var codes []string
	for _, f := range list {
		codes = append(codes, f.Code)
	}
	return slices.Compact(codes)
}

func TestEveryCodeIsFoundInATroubledInstallation(t *testing.T) {
	t.Parallel()
	list := moving.Check(troubled(t))
	var all []string
	for _, c := range moving.Codes() {
		all = append(all, c.Code)
	}
	require.Equal(t, all, codesOf(list))
	require.True(t, moving.Failing(list))
	for _, f := range list {
		require.NotEmpty(t, f.Detail, f.Code)
		require.NotEmpty(t, f.Cure, f.Code)
		require.Contains(t, []moving.Severity{moving.Fails, moving.Differs}, f.Severity)
	}
	find := func(code string) (found []moving.Finding) {
		for _, f := range list {
			if f.Code == code {
				found = append(found, f)
			}
		}
		return found
	}
	require.Equal(t, []moving.Finding{{
		Code: "local-repository", Severity: moving.Fails, Kind: "repository", ID: 1, Project: 1,
		Detail: "/srv/code is not below dirs.repos_path", Cure: "add the directory to dirs.repos_path",
	}}, find("local-repository"))
	require.Len(t, find("own-variable"), 1)
	require.Len(t, find("schedule-invalid"), 1)
	require.Len(t, find("survey-required"), 1)
	require.Equal(t, "red", find("state-locked")[0].Name[len("workspace "):])
}

func TestAnInstallationThatFitsHasNoFindings(t *testing.T) {
	t.Parallel()
	cfg, loaded := load(t, 0o600, map[string]any{
		"dirs":              map[string]any{"repos_path": []string{"/srv"}, "allowed_paths": []string{"/etc/ansible"}, "secrets_path": "/etc/secrets"},
		"env_secret_prefix": "TASK_",
	})
	st := memory.New(memory.Config{})
	p, err := st.Projects().Create(t.Context(), store.Project{Name: "p", HostKeys: "pin"})
	require.NoError(t, err)
	key, err := st.Keys().Create(t.Context(), store.AccessKey{ProjectID: p.ID, Type: store.KeyString, SourceStorageType: ptr("env"), SourceStorageKey: ptr("TASK_X")})
	require.NoError(t, err)
	repo, err := st.Repositories().Create(t.Context(), store.Repository{ProjectID: p.ID, GitURL: "/srv/code", SSHKeyID: key.ID})
	require.NoError(t, err)
	_, err = st.Inventories().Create(t.Context(), store.Inventory{ProjectID: p.ID, Type: store.InventoryFile, Inventory: "/etc/ansible/hosts"})
	require.NoError(t, err)
	_, err = st.Templates().Create(t.Context(), store.Template{ProjectID: p.ID, Name: "t", App: "bash", Playbook: "a.sh", RepositoryID: repo.ID})
	require.NoError(t, err)
	rows, err := moving.FromStore(t.Context(), st)
	require.NoError(t, err)
	list := moving.Check(moving.Input{Config: cfg, Loaded: loaded, Rows: rows, LookPath: func(string) (string, error) { return "/bin/x", nil }})
	require.Empty(t, list)
	require.False(t, moving.Failing(list))

	cfg.Dirs.ReposPath = nil
	list = moving.Check(moving.Input{Config: cfg, Loaded: loaded, Rows: rows, LookPath: func(string) (string, error) { return "/bin/x", nil }})
	require.Equal(t, []string{"local-repository"}, codesOf(list))
}

// row is a row of the table of codes: its code, in backticks, first.
var row = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (fails|differs) \\|")

func TestTheGuideHasARowForEachCodeAndNoOther(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "moving.md"))
	require.NoError(t, err)
	var told, known []string
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		told = append(told, m[1]+" "+m[2])
	}
	for _, c := range moving.Codes() {
		known = append(known, c.Code+" "+string(c.Severity))
	}
	require.Equal(t, known, told)
}
