package export_test

import (
	"bytes"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// left says why a stored field is in no backup, "" for one that is.
func left(field string) string {
	const (
		own, counted, state, who, relic = "the row's own id", "the store counts it", "it belongs to a moment", "it belongs to another instance", "nothing uses it, and it may hold a secret"
	)
	return map[string]string{
		"Project.ID": own, "Project.Created": state,
		"SecretStorage.ID": own, "SecretStorage.ProjectID": own,
		"Environment.ID": own, "Environment.ProjectID": own, "Environment.Password": relic,
		"View.ID": own, "View.ProjectID": own,
		"Role.ID": own, "Role.ProjectID": own,
		"AccessKey.ID": own, "AccessKey.ProjectID": own, "AccessKey.Plain": relic,
		"Repository.ID": own, "Repository.ProjectID": own,
		"Inventory.ID": own, "Inventory.ProjectID": own,
		"Template.ID": own, "Template.ProjectID": own, "Template.Tasks": counted,
		"TemplateVault.ID": own, "TemplateVault.ProjectID": own,
		"TemplateRole.ID": own, "TemplateRole.ProjectID": own,
		"Integration.ID": own, "Integration.ProjectID": own,
		"IntegrationMatcher.ID": own, "IntegrationMatcher.ProjectID": own,
		"IntegrationExtractor.ID": own, "IntegrationExtractor.ProjectID": own,
		"IntegrationAlias.ID": own, "IntegrationAlias.ProjectID": own,
		"Schedule.ID": own, "Schedule.ProjectID": own, "Schedule.NextRun": state, "Schedule.LastRun": state, "Schedule.LastCommitHash": state, "Schedule.LastError": state,
		"TaskParams.ID": own, "TaskParams.ProjectID": own,
		"KnownHost.ID": own, "KnownHost.ProjectID": own, "KnownHost.TaskID": who,
		"TerraformAlias.ID": own, "TerraformAlias.ProjectID": own,
	}[field]
}

func restoreOptions(owner int64) export.RestoreOptions {
	return export.RestoreOptions{Owner: owner, Now: clock}
}

// through writes a backup and reads it again.
func through(t testing.TB, b *export.Backup) *export.Backup {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, b.Encode(&file))
	var read export.Backup
	require.NoError(t, read.Decode(&file, "p.json"))
	return &read
}

// seeds are those of the random projects; SEMAPHORE_SEED adds one.
func seeds(t *testing.T, n int) []uint64 {
	first := uint64(time.Now().UnixNano())
	if text := os.Getenv("SEMAPHORE_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		return []uint64{seed}
	}
	list := make([]uint64, n)
	for i := range list {
		list[i] = first + uint64(i)
	}
	return list
}

func TestAProjectComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, open := range openers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rounds := map[string]int{"memory": 20, "sqlite": 3, "postgres": 1}[name]
			for _, seed := range seeds(t, rounds) {
				t.Logf("SEMAPHORE_SEED=%d", seed)
				from, to := memory.New(memory.Config{}), open(t)
				p := write(t, from, newRing(t), seed, 6)
				b, err := export.Project(t.Context(), from, p.ID, export.ProjectOptions{})
				require.NoError(t, err)
				opts := restoreOptions(user(t, to))
				report, err := export.Restore(t.Context(), to, through(t, b), opts)
				require.NoError(t, err)
				require.Empty(t, report.Renamed)
				require.Empty(t, report.Aliases)
				want, got := content(t, from, p.ID, nil), content(t, to, report.Project.ID, nil)
				for _, kind := range slices.Sorted(maps.Keys(want)) {
					require.Equal(t, sorted(want[kind]), sorted(got[kind]), kind)
				}
				if name == "postgres" || name == "sqlite" {
					break
				}
			}
		})
	}
}

// TestEveryFieldIsInABackup holds the fields of every row that a backup has
// against what random projects show: each is filled in somewhere, or left out for
// a reason. A new field that the backup does not know fails here, or above.
func TestEveryFieldIsInABackup(t *testing.T) {
	t.Parallel()
	filled := map[string]bool{}
	for seed := range uint64(5) {
		st := memory.New(memory.Config{})
		p := write(t, st, newRing(t), seed, 8)
		p, err := st.Projects().Get(t.Context(), 0, p.ID)
		require.NoError(t, err)
		note(filled, reflect.ValueOf(p), "")
		for _, list := range [][]any{
			all(t, p.ID, st.SecretStorages()), all(t, p.ID, st.Environments()), all(t, p.ID, st.Views()), all(t, p.ID, st.Projects().Roles()), all(t, p.ID, st.Keys()),
			all(t, p.ID, st.Repositories()), all(t, p.ID, st.Inventories()), all(t, p.ID, st.Templates()), all(t, p.ID, st.Templates().Vaults()), all(t, p.ID, st.Templates().Roles()),
			all(t, p.ID, st.Integrations()), all(t, p.ID, st.Integrations().Matchers()), all(t, p.ID, st.Integrations().Extractors()), all(t, p.ID, st.Integrations().Aliases()),
			all(t, p.ID, st.Schedules()), all(t, p.ID, st.Integrations().TaskParams()), all(t, p.ID, st.Projects().KnownHosts()), all(t, p.ID, st.Artifacts().TerraformAliases()),
		} {
			for _, row := range list {
				note(filled, reflect.ValueOf(row), "")
			}
		}
	}
	for field, seen := range filled {
		require.True(t, seen || left(field) != "", "%s is in no random project: fill it in, and export it, or say in left why not", field)
	}
}

func all[T any](t *testing.T, project int64, table store.Table[T]) []any {
	page, err := table.List(t.Context(), project, store.Query{Limit: -1})
	require.NoError(t, err)
	list := make([]any, len(page.Items))
	for i := range page.Items {
		list[i] = page.Items[i]
	}
	return list
}

// note marks the fields of a row that hold something.
func note(filled map[string]bool, v reflect.Value, prefix string) {
	if prefix == "" {
		prefix = v.Type().Name()
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if tag := f.Tag.Get("db"); tag == "-" {
			continue
		}
		name := prefix + "." + f.Name
		filled[name] = filled[name] || !v.Field(i).IsZero()
		if s := v.Field(i); s.Kind() == reflect.Struct && s.Type() != reflect.TypeFor[time.Time]() {
			note(filled, s, name)
		}
	}
}

// sorted forgets in which order rows that nobody refers to were made.
func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func TestAProjectThatIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := export.Project(t.Context(), memory.New(memory.Config{}), 7, export.ProjectOptions{})
	require.ErrorIs(t, err, store.ErrNotFound)
}
