package export_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

var updateBackups = flag.Bool("update-backups", false, "write the golden backups anew")

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/backup", name))
	require.NoError(t, err)
	return data
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *updateBackups {
		require.NoError(t, os.WriteFile(filepath.Join("testdata/backup", name), got, 0o600))
	}
	require.Equal(t, string(file(t, name)), string(got), name)
}

func decoded(t testing.TB, data []byte) *export.Backup {
	t.Helper()
	var b export.Backup
	require.NoError(t, b.Decode(bytes.NewReader(data), "p.json"))
	return &b
}

// TestFilesOfSemaphoreUI restores files of several of its versions, and holds
// what became of them, and what people are told, against golden files.
func TestFilesOfSemaphoreUI(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"oldest", "middle", "recent", "skeleton"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, open := range openers() {
				st := open(t)
				report, err := export.Restore(t.Context(), st, decoded(t, file(t, name+".json")), restoreOptions(user(t, st)))
				require.NoError(t, err)
				b, err := export.Project(t.Context(), st, report.Project.ID, export.ProjectOptions{})
				require.NoError(t, err)
				var out bytes.Buffer
				require.NoError(t, b.Encode(&out))
				if *updateBackups && kind != "memory" {
					continue
				}
				golden(t, name+".restored.json", out.Bytes())
				golden(t, name+".report.txt", []byte(report.String()+"\n"))
			}
		})
	}
}

// TestTheFormOfSemaphoreUI reads a file of it with everything in it, and writes
// the same bytes.
func TestTheFormOfSemaphoreUI(t *testing.T) {
	t.Parallel()
	want := file(t, "recent.json")
	b := decoded(t, want)
	require.Nil(t, b.Own)
	var out bytes.Buffer
	require.NoError(t, b.Encode(&out))
	require.Equal(t, string(want), out.String())
}

func TestOurOwnForm(t *testing.T) {
	t.Parallel()
	st := memory.New(memory.Config{})
	p := write(t, st, newRing(t), 4, 2)
	b, err := export.Project(t.Context(), st, p.ID, export.ProjectOptions{})
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, b.Encode(&out))
	golden(t, "own.json", out.Bytes())
	to := memory.New(memory.Config{})
	report, err := export.Restore(t.Context(), to, decoded(t, file(t, "own.json")), restoreOptions(user(t, to)))
	require.NoError(t, err)
	want, got := content(t, st, p.ID, nil), content(t, to, report.Project.ID, nil)
	for kind := range want {
		require.Equal(t, sorted(want[kind]), sorted(got[kind]), kind)
	}
}

func TestNoSecretIsInABackup(t *testing.T) {
	t.Parallel()
	st := memory.New(memory.Config{})
	for seed := range uint64(20) {
		p := write(t, st, newRing(t), seed, 4)
		tpl, err := st.Templates().List(t.Context(), p.ID, store.Query{Limit: 1})
		require.NoError(t, err)
		row := tpl.Items[0]
		row.SurveyVars = []store.SurveyVar{{Name: "pin", Type: store.SurveySecret, DefaultValue: canary + "-default"}}
		require.NoError(t, st.Templates().Update(t.Context(), row))
		b, err := export.Project(t.Context(), st, p.ID, export.ProjectOptions{})
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, b.Encode(&out))
		require.NotContains(t, out.String(), canary)
		require.NotContains(t, out.String(), "v1.", "nor what is sealed")
	}
}

func TestAliasesThatAreTaken(t *testing.T) {
	t.Parallel()
	for name, open := range openers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := open(t)
			opts := restoreOptions(user(t, st))
			data := file(t, "own.json")
			_, err := export.Restore(t.Context(), st, decoded(t, data), opts)
			require.NoError(t, err)
			opts.Name = "again"
			b := decoded(t, data)
			for i := range b.IntegrationAliases { // which are the same in letters of either case
				b.IntegrationAliases[i] = strings.ToUpper(b.IntegrationAliases[i])
			}
			report, err := export.Restore(t.Context(), st, b, opts)
			require.NoError(t, err)
			require.Len(t, report.Aliases, len(b.IntegrationAliases)+len(b.Integrations)+len(b.Own.TerraformAliases))
			for _, a := range report.Aliases {
				require.NotEqual(t, a.Old, a.New)
			}
			roles, err := st.Projects().Roles().List(t.Context(), report.Project.ID, store.Query{})
			require.NoError(t, err)
			for _, r := range roles.Items {
				require.NotRegexp(t, `^role1-`, r.Slug, "slugs of others stay theirs")
			}
			_, err = export.Restore(t.Context(), st, b, opts)
			require.ErrorIs(t, err, export.ErrNameTaken)
		})
	}
}
