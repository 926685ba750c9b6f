package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// snapshot is every row of a store.
func snapshot(t testing.TB, st store.Store) string {
	t.Helper()
	var b strings.Builder
	events, err := st.Events().List(t.Context(), store.AnyScope, store.Query{Limit: -1})
	require.NoError(t, err)
	dump(t, &b, st.Users())
	dump(t, &b, st.Projects())
	dump(t, &b, st.Projects().Members())
	dump(t, &b, st.Projects().Roles())
	dump(t, &b, st.Projects().KnownHosts())
	dump(t, &b, st.Keys())
	dump(t, &b, st.SecretStorages())
	dump(t, &b, st.Environments())
	dump(t, &b, st.Views())
	dump(t, &b, st.Repositories())
	dump(t, &b, st.Inventories())
	dump(t, &b, st.Templates())
	dump(t, &b, st.Templates().Vaults())
	dump(t, &b, st.Templates().Roles())
	dump(t, &b, st.Integrations())
	dump(t, &b, st.Integrations().Matchers())
	dump(t, &b, st.Integrations().Extractors())
	dump(t, &b, st.Integrations().Aliases())
	dump(t, &b, st.Integrations().TaskParams())
	dump(t, &b, st.Schedules())
	dump(t, &b, st.Artifacts().TerraformAliases())
	fmt.Fprintln(&b, len(events.Items))
	return b.String()
}

func dump[T any](t testing.TB, b *strings.Builder, table store.Table[T]) {
	t.Helper()
	page, err := table.List(t.Context(), store.AnyScope, store.Query{Limit: -1})
	require.NoError(t, err)
	for i := range page.Items {
		fmt.Fprintf(b, "%T", page.Items[i])
		v := reflect.ValueOf(page.Items[i])
		for j := range v.NumField() {
			value, err := json.Marshal(v.Field(j).Interface())
			require.NoError(t, err)
			fmt.Fprintf(b, " %s", value)
		}
		b.WriteString("\n")
	}
}

// bench is a store with a project in it, which restores must not touch.
type bench struct {
	t      testing.TB
	st     store.Store
	owner  int64
	before string
}

func newBench(t testing.TB, st store.Store) *bench {
	b := &bench{t: t, st: st, owner: user(t, st)}
	write(t, st, newRing(t), 1, 1)
	b.before = snapshot(t, st)
	return b
}

// try restores a file and returns the error, after which nothing has changed.
func (b *bench) try(data []byte) error {
	b.t.Helper()
	var read export.Backup
	err := read.Decode(bytes.NewReader(data), "p.json")
	if err == nil {
		_, err = export.Restore(b.t.Context(), b.st, &read, restoreOptions(b.owner))
	}
	if err != nil {
		require.ErrorIs(b.t, err, export.ErrBackup)
		require.True(b.t, strings.HasPrefix(err.Error(), "backup p.json: "), err.Error())
		require.Less(b.t, len(err.Error()), 600)
		require.Equal(b.t, b.before, snapshot(b.t, b.st), "a refusal has written: %v", err)
	}
	return err
}

func (b *bench) refused(what string, data []byte) {
	b.t.Helper()
	require.Error(b.t, b.try(data), what)
}

// tree is a file as values, to be changed.
func tree(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal(data, &all))
	return all
}

func text(t testing.TB, all any) []byte {
	t.Helper()
	data, err := json.Marshal(all)
	require.NoError(t, err)
	return data
}

func TestFilesThatWereCutAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"own.json", "recent.json", "oldest.json"} {
		b, data := newBench(t, memory.New(memory.Config{})), bytes.TrimSpace(file(t, name))
		for percent := range 100 {
			b.refused(fmt.Sprintf("%s cut at %d percent", name, percent), data[:len(data)*percent/100])
		}
		b.refused("all but the last byte", data[:len(data)-1])
		b.refused("twice", slices.Concat(data, data))
	}
}

// TestFilesWhoseBytesWereChanged flips bits. What is refused leaves everything as
// it was; what a flip inside of a text has turned into another good file is
// restored as what it says now, as a whole.
func TestFilesWhoseBytesWereChanged(t *testing.T) {
	t.Parallel()
	for _, seed := range seeds(t, 1) {
		t.Logf("SEMAPHORE_SEED=%d", seed)
		rnd := rand.New(rand.NewPCG(seed, 2))
		data, refused := file(t, "own.json"), 0
		b := newBench(t, memory.New(memory.Config{}))
		for range 1000 {
			changed := bytes.Clone(data)
			changed[rnd.IntN(len(changed))] ^= 1 << rnd.IntN(8)
			if b.try(changed) != nil {
				refused++
				continue
			}
			says := decoded(t, changed)
			page, err := b.st.Projects().List(t.Context(), 0, store.Query{Desc: true, Limit: 1})
			require.NoError(t, err)
			is, err := export.Project(t.Context(), b.st, page.Items[0].ID, export.ProjectOptions{})
			require.NoError(t, err)
			require.Equal(t, rowsOf(says), rowsOf(is))
			b = newBench(t, memory.New(memory.Config{}))
		}
		require.Greater(t, refused, 300)
	}
}

// rowsOf counts what a backup holds.
func rowsOf(b *export.Backup) []int {
	list := []int{
		len(b.Templates), len(b.Repositories), len(b.Views), len(b.Inventories), len(b.Environments), len(b.Integrations),
		len(b.IntegrationAliases), len(b.Schedules), len(b.SecretStorages), len(b.Roles),
	}
	for _, in := range b.Integrations {
		list = append(list, len(in.Aliases), len(in.Matchers), len(in.ExtractValues))
	}
	return list
}

// references are the members that name other rows, by the kind that they name.
func references() map[string]string {
	return map[string]string{
		"ssh_key": "keys", "become_key": "keys", "vault_key": "keys", "auth_secret": "keys", "auth_key": "keys", "source_storage": "secret_storages", "storage": "secret_storages",
		"secret_storage": "secret_storages", "default_secret_storage": "secret_storages", "inventory": "inventories", "inventory_name": "inventories", "repository": "repositories",
		"checkable_repository": "repositories", "environment": "environments", "view": "views", "build_template": "templates", "template": "templates",
	}
}

// visit calls f for every member of every object.
func visit(v any, path string, f func(path string, object map[string]any, member string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			f(path, v, member)
			visit(v[member], path+"."+member, f)
		}
	case []any:
		for i, item := range v {
			visit(item, fmt.Sprintf("%s[%d]", path, i), f)
		}
	}
}

// isReference tells whether a member names a row: an inventory has one of the
// name inventory that is its text, and parameters one of the name environment.
func isReference(path, member string) bool {
	_, known := references()[member]
	own := strings.HasPrefix(path, ".inventories") && member == "inventory" || strings.HasSuffix(path, "task_params") && member == "environment"
	return known && !own
}

func TestReferencesThatLeadNowhereOrToTwoRows(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.New(memory.Config{}))
	tried := 0
	for _, name := range []string{"own.json", "recent.json"} {
		data := file(t, name)
		all := tree(t, data)
		visit(all, "", func(path string, object map[string]any, member string) {
			was, ok := object[member].(string)
			if !ok || was == "" || !isReference(path, member) {
				return
			}
			object[member] = "nobody is called so"
			b.refused(path+"."+member+" leads nowhere", text(t, all))
			object[member] = was

			kind := references()[member]
			list, _ := all[kind].([]any)
			for _, row := range list {
				row := row.(map[string]any)
				called := "name"
				if kind == "views" {
					called = "title"
				}
				if row[called] == was {
					all[kind] = append(slices.Clone(list), row)
					b.refused(path+"."+member+" leads to two rows", text(t, all))
					all[kind] = list
				}
			}
			tried++
		})
	}
	require.Greater(t, tried, 50)
}

// TestValuesOfAnotherKind gives each member of a file a value that it cannot
// have.
func TestValuesOfAnotherKind(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.New(memory.Config{}))
	tried := 0
	for _, name := range []string{"own.json", "recent.json"} {
		all := tree(t, file(t, name))
		visit(all, "", func(path string, object map[string]any, member string) {
			if strings.HasSuffix(path, "params") && !strings.HasSuffix(path, "task_params") || strings.Contains(path, ".templates") && strings.HasSuffix(path, "task_params") {
				return // what is in there is free
			}
			was := object[member]
			wrong := map[string]any{"string": 7, "float64": "x", "bool": "x", "[]interface {}": map[string]any{}, "map[string]interface {}": []any{}}[fmt.Sprintf("%T", was)]
			object[member] = wrong
			b.refused(fmt.Sprintf("%s.%s is %v", path, member, wrong), text(t, all))
			object[member] = was
			tried++
		})
	}
	require.Greater(t, tried, 500)
}

func TestFilesThatAreTooMuch(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.New(memory.Config{}))
	row := func(kind string) string {
		return fmt.Sprintf(`{"meta":{"name":"x"},%q:[%s{}]}`, kind, strings.Repeat(`{},`, export.MaxBackupRows))
	}
	for name, data := range map[string]string{
		"deep":                       `{"meta":{"name":"x"},"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"deep survey":                `{"meta":{"name":"x"},"templates":[{"name":"t","survey_vars":"` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `"}]}`,
		"millions of objects":        `{"meta":{"name":"x"},"x":[` + strings.Repeat("{},", 1<<20) + `{}]}`,
		"millions of values":         `{"meta":{"name":"x"},"x":[` + strings.Repeat("1,", 3<<20) + `1]}`,
		"too many keys":              row("keys"),
		"too many templates":         row("templates"),
		"too many schedules":         row("schedules"),
		"too many addresses":         `{"meta":{"name":"x"},"integration_aliases":[` + strings.Repeat(`"a",`, export.MaxBackupRows) + `"a"]}`,
		"more than 64 MiB":           `{"meta":{"name":"` + strings.Repeat("x", export.MaxBackupBytes) + `"}}`,
		"a name that is a long text": `{"meta":{"name":"` + strings.Repeat("x", 300) + `"}}`,
	} {
		b.refused(name, []byte(data))
	}
	var read export.Backup
	require.ErrorIs(t, read.Decode(strings.NewReader(row("keys")), ""), nil)
	require.ErrorIs(t, export.Check(&read), export.ErrLarge)
}

func TestWhatIsNoBackup(t *testing.T) {
	t.Parallel()
	b := newBench(t, memory.New(memory.Config{}))
	const row = `{"meta":{"name":"x"},"keys":[{"name":"k","type":"none","owner":""}],"repositories":[{"name":"r","git_url":"https://git.example.org/r.git","git_branch":"main","ssh_key":"k"}],`
	for name, data := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "a text": `"x"`, "another object": `{"name":"x"}`, "no name": `{"meta":{"name":""}}`, "NUL": `{"meta":{"name":"\u0000"}}`, "no UTF-8": "{\"meta\":{\"name\":\"\xff\"}}",
		"a newer one":                  `{"meta":{"name":"x"},"semaphore_go":{"version":2}}`,
		"ours without its version":     `{"meta":{"name":"x"},"semaphore_go":{}}`,
		"a program for an address":     `{"meta":{"name":"x"},"keys":[{"name":"k","type":"none"}],"repositories":[{"name":"r","git_url":"ext::sh -c id","ssh_key":"k"}]}`,
		"an option for a branch":       `{"meta":{"name":"x"},"keys":[{"name":"k","type":"none"}],"repositories":[{"name":"r","git_url":"https://git.example.org/r.git","git_branch":"--upload-pack=id","ssh_key":"k"}]}`,
		"a circle of builds":           row + `"templates":[{"name":"a","repository":"r","type":"deploy","build_template":"b"},{"name":"b","repository":"r","type":"deploy","build_template":"a"}]}`,
		"a template that builds of it": row + `"templates":[{"name":"a","repository":"r","type":"deploy","build_template":"a"}]}`,
		"rights beyond all":            `{"meta":{"name":"x"},"roles":[{"name":"god","permissions":16}]}`,
		"an address that is none":      `{"meta":{"name":"x"},"integration_aliases":["a/b"]}`,
		"three variables of one name":  row + `"templates":[{"name":"a","repository":"r","survey_vars":[{"name":"v"},{"name":"v"}]}]}`,
		"a key of a group":             `{"meta":{"name":"x"},"keys":[{"name":"k","type":"string","owner":"variable"}],"repositories":[{"name":"r","git_url":"https://git.example.org/r.git","git_branch":"main","ssh_key":"k"}]}`,
		"variables that are no JSON":   `{"meta":{"name":"x"},"environments":[{"name":"e","json":"{"}]}`,
	} {
		b.refused(name, []byte(data))
	}
	err := b.try([]byte(row + `"templates":[{"name":"deploy","repository":"r","inventory":"prod"}]}`))
	require.EqualError(t, err, `backup p.json: template "deploy": inventory: there is no inventory "prod" in the file: add it, or name another one`)
	var bad *export.BackupError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, []string{"p.json", `template "deploy"`, "inventory"}, []string{bad.File, bad.Object, bad.Field})
}

// TestARefusalAtTheLastMomentLeavesNothing lets the last step of a restore fail.
func TestARefusalAtTheLastMomentLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, open := range openers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, open(t))
			late := errors.New("too late")
			for what, change := range map[string]func(*export.RestoreOptions){
				"the event": func(o *export.RestoreOptions) {
					o.Record = func(context.Context, store.Store, store.Project) error { return late }
				},
				"a schedule": func(o *export.RestoreOptions) { o.CheckSchedule = func(store.Schedule) error { return late } },
			} {
				opts := restoreOptions(b.owner)
				opts.Name = "restored"
				change(&opts)
				_, err := export.Restore(t.Context(), b.st, decoded(t, file(t, "own.json")), opts)
				require.ErrorIs(t, err, late, what)
				require.Equal(t, b.before, snapshot(t, b.st), what)
			}
			_, err := export.Restore(t.Context(), b.st, decoded(t, file(t, "own.json")), export.RestoreOptions{})
			require.ErrorContains(t, err, "no owner")
			_, err = export.Restore(t.Context(), b.st, decoded(t, file(t, "own.json")), export.RestoreOptions{Owner: 999})
			require.ErrorIs(t, err, store.ErrNotFound)
			require.Equal(t, b.before, snapshot(t, b.st))
		})
	}
}

func FuzzBackup(f *testing.F) {
	for _, name := range []string{"own.json", "recent.json", "middle.json", "oldest.json", "skeleton.json"} {
		f.Add(file(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b export.Backup
		if err := b.Decode(bytes.NewReader(data), ""); err != nil {
			require.ErrorIs(t, err, export.ErrBackup)
			return
		}
		st := memory.New(memory.Config{})
		report, err := export.Restore(t.Context(), st, &b, restoreOptions(user(t, st)))
		if err != nil {
			require.ErrorIs(t, err, export.ErrBackup)
			return
		}
		again, err := export.Project(t.Context(), st, report.Project.ID, export.ProjectOptions{})
		require.NoError(t, err)
		require.NoError(t, export.Check(through(t, again)), "what was restored can be backed up and restored")
	})
}
