package export_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
	"github.com/alexandervashurin/semaphore/store/postgres"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// canary begins every text that is secret.
const canary = "canary-of-export"

// clock stands still, in the future of all rows.
func clock() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

// openers are the stores that everything is tried on.
func openers() map[string]func(t testing.TB) store.Store {
	return map[string]func(t testing.TB) store.Store{
		"memory": func(testing.TB) store.Store { return memory.New(memory.Config{}) },
		"sqlite": func(t testing.TB) store.Store { return openSQLite(t, filepath.Join(t.TempDir(), "semaphore.db")) },
		"postgres": func(t testing.TB) store.Store {
			st, err := postgres.Open(t.Context(), pgtest.Migrated(t), postgres.Config{MaxConns: 4})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, st.Close()) })
			return st
		},
	}
}

func openSQLite(t testing.TB, path string) store.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	return st
}

func user(t testing.TB, st store.Store) int64 {
	t.Helper()
	u, err := st.Users().Create(t.Context(), store.User{Username: "ann", Name: "Ann", Email: "ann@example.org", Created: clock()})
	require.NoError(t, err)
	return u.ID
}

// author makes a project of random content, with every field of every row
// that it touches filled in somewhere.
type author struct {
	t    testing.TB
	ctx  context.Context
	st   store.Store
	ring *crypto.Ring
	rnd  *rand.Rand
	p    store.Project

	storages, keys, groups, views, repos, inventories, templates []int64
	roles                                                        []string
}

func newRing(t testing.TB) *crypto.Ring {
	t.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	return ring
}

// write makes a project of about n rows of each kind.
func write(t testing.TB, st store.Store, ring *crypto.Ring, seed uint64, n int) store.Project {
	t.Helper()
	a := &author{t: t, ctx: t.Context(), st: st, ring: ring, rnd: rand.New(rand.NewPCG(seed, 1))}
	a.p = put(a, st.Projects(), store.Project{
		Created: clock(), Name: a.word(), Alert: a.coin(), AlertChat: a.maybe("123"), MaxParallelTasks: a.rnd.IntN(5), Type: a.pick("", "demo"),
		HostKeys: a.pick("", "off", "pin", "strict"), MaxSeconds: a.rnd.IntN(9), Retention: store.Retention{Days: a.rnd.IntN(3), Tasks: a.rnd.IntN(3), Bytes: int64(a.rnd.IntN(3))},
	})
	for range n {
		a.rows()
	}
	a.links()
	a.p.DefaultSecretStorageID = some(a, a.storages)
	require.NoError(t, st.Projects().Update(a.ctx, a.p))
	return a.p
}

func put[T any](a *author, table store.Table[T], row T) T {
	a.t.Helper()
	row, err := table.Create(a.ctx, row)
	require.NoError(a.t, err)
	return row
}

func (a *author) coin() bool { return a.rnd.IntN(2) == 0 }

func (a *author) pick(list ...string) string { return list[a.rnd.IntN(len(list))] }

func (a *author) maybe(text string) *string {
	if a.coin() {
		return nil
	}
	return &text
}

// word is a name: often one that others have too, or one that is hard to write.
func (a *author) word() string {
	return a.pick("same", "same", "a", "Ünï ☃", `"quoted" <&>`, "tab\there", fmt.Sprintf("n%d", a.rnd.IntN(1000)))
}

// some is one of the ids, or nil.
func some(a *author, ids []int64) *int64 {
	if len(ids) == 0 || a.rnd.IntN(3) == 0 {
		return nil
	}
	return &ids[a.rnd.IntN(len(ids))]
}

func (a *author) one(ids []int64) int64 { return ids[a.rnd.IntN(len(ids))] }

func (a *author) rows() {
	p := a.p.ID
	a.storages = append(a.storages, put(a, a.st.SecretStorages(), store.SecretStorage{
		ProjectID: p, Name: a.word(), Type: a.pick("local", "vault", "dvls"), Params: json.RawMessage(a.pick(`{}`, `{"url":"https://v.example.org","b":[1,{"c":null}]}`)),
		ReadOnly: a.coin(), SourceStorageType: a.maybe("env"),
	}).ID)
	a.groups = append(a.groups, put(a, a.st.Environments(), store.Environment{
		ProjectID: p, Name: a.word(), JSON: a.pick("{}", `{"a": {"b": 1}}`), Env: a.maybe(`{"LANG":"C"}`), Password: a.maybe(canary + "-group"),
		SecretStorageID: some(a, a.storages), SecretStorageKeyPrefix: a.maybe("p/"),
	}).ID)
	a.views = append(a.views, put(a, a.st.Views(), store.View{
		ProjectID: p, Title: a.word(), Position: a.rnd.IntN(9), Type: a.pick("", "all"), Hidden: a.coin(), Filter: a.maybe("x"), SortColumn: a.maybe("name"), SortReverse: a.coin(),
	}).ID)
	role := put(a, a.st.Projects().Roles(), store.Role{ProjectID: &p, Slug: fmt.Sprintf("role%d-%d", p, len(a.roles)), Name: a.word(), Permissions: int64(a.rnd.IntN(16))})
	a.roles = append(a.roles, role.Slug)
	a.addKeys()
	a.repos = append(a.repos, put(a, a.st.Repositories(), store.Repository{ProjectID: p, Name: a.word(), GitURL: "https://git.example.org/r.git", GitBranch: "main", SSHKeyID: a.one(a.keys)}).ID)
	a.inventories = append(a.inventories, put(a, a.st.Inventories(), store.Inventory{
		ProjectID: p, Name: a.word(), Inventory: "web1\n<b>", SSHKeyID: some(a, a.keys), BecomeKeyID: some(a, a.keys), Type: store.InventoryType(a.pick("static", "static-yaml", "file")),
		RepositoryID: some(a, a.repos), RunnerTag: a.maybe("linux"), HostKeys: a.pick("", "pin"),
	}).ID)
	a.addTemplate()
	put(a, a.st.Projects().KnownHosts(), store.KnownHost{ProjectID: p, Host: fmt.Sprintf("h%d", len(a.views)), KeyType: "ssh-ed25519", Key: "ssh-ed25519 AAAA", Created: clock()})
	put(a, a.st.Artifacts().TerraformAliases(), store.TerraformAlias{ProjectID: p, InventoryID: a.one(a.inventories), AuthKeyID: a.one(a.keys), Alias: fmt.Sprintf("tf-%d-%d", p, len(a.views))})
}

func (a *author) key(k store.AccessKey, secret string) int64 {
	k.ProjectID, k.Name = a.p.ID, a.word()
	k.Plain = a.maybe(canary + "-plain")
	k = put(a, a.st.Keys(), k)
	if secret != "" {
		sealed, err := a.ring.Seal([]byte(secret), crypto.AD{Table: "access_key", ProjectID: k.ProjectID, ID: k.ID, Field: "secret"})
		require.NoError(a.t, err)
		k.Secret = &sealed
		require.NoError(a.t, a.st.Keys().Update(a.ctx, k))
	}
	return k.ID
}

func (a *author) addKeys() {
	vault := "vault"
	a.keys = append(a.keys,
		a.key(store.AccessKey{Type: store.KeyNone}, ""),
		a.key(store.AccessKey{Type: store.KeyLoginPassword}, `{"login":"l","password":"`+canary+`-password"}`),
		a.key(store.AccessKey{Type: store.KeySSH, SourceStorageID: &a.storages[0], SourceStorageType: &vault, SourceStorageKey: a.maybe("path/x")}, ""))
	a.key(store.AccessKey{Type: store.KeyString, Owner: store.KeyOwner(a.pick("environment", "variable")), EnvironmentID: new(a.one(a.groups))}, canary+"-variable")
	a.key(store.AccessKey{Type: store.KeyString, Owner: store.OwnerVault, StorageID: new(a.one(a.storages))}, canary+"-token")
}

func (a *author) addTemplate() {
	t := put(a, a.st.Templates(), store.Template{
		ProjectID: a.p.ID, Name: a.word(), App: a.pick("ansible", "tofu", "bash"), Playbook: "site.yml", InventoryID: some(a, a.inventories), RepositoryID: a.one(a.repos),
		EnvironmentID: some(a, a.groups), Arguments: a.maybe(`["--diff"]`), GitBranch: a.maybe("dev"), Description: a.maybe("what it does"),
		AllowOverrideArgs: a.coin(), AllowOverrideBranch: a.coin(), AllowParallelTasks: a.coin(), Type: store.TemplateType(a.pick("", "build", "deploy")),
		StartVersion: a.maybe("1.0"), BuildTemplateID: some(a, a.templates), Autorun: a.coin(), ViewID: some(a, a.views), SuppressSuccessAlerts: a.coin(),
		TaskParams: json.RawMessage(a.pick(`{"tags":["a"],"n":1e3}`, `{"limit":["web"]}`)), RunnerTag: a.maybe("gpu"), Options: a.options(),
		SurveyVars: []store.SurveyVar{
			{Name: "v", Title: "V", Required: a.coin(), Type: store.SurveyEnum, Description: "d", Values: []store.SurveyValue{{Name: "n", Value: "x"}}, DefaultValue: "x"},
			{Name: "s", Type: store.SurveySecret},
		},
	})
	a.templates = append(a.templates, t.ID)
	put(a, a.st.Templates().Vaults(), store.TemplateVault{ProjectID: a.p.ID, TemplateID: t.ID, VaultKeyID: &a.keys[1], Name: a.maybe("id"), Type: "password"})
	put(a, a.st.Templates().Vaults(), store.TemplateVault{ProjectID: a.p.ID, TemplateID: t.ID, Type: "script", Name: a.maybe("other"), Script: new("vault.py")})
	put(a, a.st.Templates().Roles(), store.TemplateRole{ProjectID: a.p.ID, TemplateID: t.ID, RoleSlug: a.roles[a.rnd.IntN(len(a.roles))], Permissions: 5})
	put(a, a.st.Templates().Roles(), store.TemplateRole{ProjectID: a.p.ID, TemplateID: t.ID, RoleSlug: a.pick("guest", "task_runner"), Permissions: 1})
}

func (a *author) options() store.TemplateOptions {
	if a.rnd.IntN(4) == 0 {
		return store.TemplateOptions{}
	}
	return store.TemplateOptions{
		Workspace: a.pick("", "fresh", "keep"), TimeoutSeconds: a.rnd.IntN(9), ConfirmSeconds: a.rnd.IntN(9), StopGraceSeconds: a.rnd.IntN(9), MaxRetries: a.rnd.IntN(9),
		KeepBackground: a.coin(), SecretArgs: a.coin(), AllowOverrideEnvironment: a.coin(), LogQuota: int64(a.rnd.IntN(9)), Submodules: new(a.coin()), Depth: a.rnd.IntN(9),
		Retention: store.Retention{Days: a.rnd.IntN(9), Tasks: a.rnd.IntN(9), Bytes: int64(a.rnd.IntN(9))},
	}
}

// links makes what refers to templates, and workspaces that belong to them.
func (a *author) links() {
	p := a.p.ID
	for i, t := range a.templates {
		put(a, a.st.Inventories(), store.Inventory{ProjectID: p, Name: a.word(), Inventory: "default", Type: store.InventoryTofu, TemplateID: &t})
		in := put(a, a.st.Integrations(), store.Integration{
			ProjectID: p, Name: a.word(), TemplateID: t, AuthMethod: a.pick("", "github", "token"), AuthSecretID: some(a, a.keys), AuthHeader: "X-Token", Searchable: a.coin(),
		})
		put(a, a.st.Integrations().Matchers(), store.IntegrationMatcher{ProjectID: p, IntegrationID: in.ID, Name: "m", MatchType: "body", Method: "equals", BodyDataType: "json", Key: "a.b", Value: "v"})
		put(a, a.st.Integrations().Extractors(), store.IntegrationExtractor{ProjectID: p, IntegrationID: in.ID, Name: "e", ValueSource: "header", BodyDataType: "json", Key: "X-K", Variable: "v", VariableType: "environment"})
		put(a, a.st.Integrations().Aliases(), store.IntegrationAlias{ProjectID: p, IntegrationID: &in.ID, Alias: fmt.Sprintf("hook-%d-%d", p, i)})
		put(a, a.st.Integrations().Aliases(), store.IntegrationAlias{ProjectID: p, Alias: fmt.Sprintf("all-%d-%d", p, i)})
		a.params(store.TaskParams{IntegrationID: &in.ID})
		a.schedule(t)
	}
}

func (a *author) schedule(template int64) {
	s := store.Schedule{
		ProjectID: a.p.ID, TemplateID: template, CronFormat: "0 3 * * *", Name: a.pick("", "same", "nightly"), Active: a.coin(), DeleteAfterRun: a.coin(), RepositoryID: some(a, a.repos),
		Created: clock().Add(-time.Hour), Timezone: a.pick("", "Europe/Berlin"), Overlap: a.pick("", "skip"), Missed: a.pick("", "all"), MissedSeconds: a.rnd.IntN(3),
	}
	if a.coin() {
		s.Type, s.CronFormat, s.RepositoryID, s.RunAt = store.ScheduleRunAt, "", nil, new(clock().Add(time.Hour))
	}
	s = put(a, a.st.Schedules(), s)
	if a.coin() {
		a.params(store.TaskParams{ScheduleID: &s.ID})
	}
}

func (a *author) params(row store.TaskParams) {
	row.ProjectID, row.Environment, row.Arguments, row.GitBranch, row.Message = a.p.ID, `{"a":1}`, a.maybe(`["-v"]`), a.maybe("dev"), "by hand"
	row.Version, row.InventoryID, row.Params = a.maybe("1.2"), some(a, a.inventories), json.RawMessage(`{"debug":true}`)
	row = put(a, a.st.Integrations().TaskParams(), row)
	if a.coin() {
		sealed, err := a.ring.Seal([]byte(`{"s":"`+canary+`-saved"}`), crypto.AD{Table: "task_params", ProjectID: row.ProjectID, ID: row.ID, Field: "secret"})
		require.NoError(a.t, err)
		row.Secret = &sealed
		require.NoError(a.t, a.st.Integrations().TaskParams().Update(a.ctx, row))
	}
}

// content is a project's rows as text, by kind: references by the place of the
// row they lead to, so that projects in different stores can be compared.
func content(t testing.TB, st store.Store, project int64, ring *crypto.Ring) map[string][]string {
	t.Helper()
	c := &reader{t: t, st: st, project: project, ring: ring, places: map[string]map[int64]int{}, out: map[string][]string{}}
	p, err := st.Projects().Get(t.Context(), 0, project)
	require.NoError(t, err)
	for range 2 { // the second time all places are known
		read(c, "SecretStorage", st.SecretStorages())
		read(c, "Environment", st.Environments())
		read(c, "View", st.Views())
		read(c, "Role", st.Projects().Roles())
		read(c, "Key", st.Keys())
		read(c, "Repository", st.Repositories())
		read(c, "Inventory", st.Inventories())
		read(c, "Template", st.Templates())
		read(c, "Vault", st.Templates().Vaults())
		read(c, "TemplateRole", st.Templates().Roles())
		read(c, "Integration", st.Integrations())
		read(c, "Matcher", st.Integrations().Matchers())
		read(c, "Extractor", st.Integrations().Extractors())
		read(c, "Alias", st.Integrations().Aliases())
		read(c, "Schedule", st.Schedules())
		read(c, "TaskParams", st.Integrations().TaskParams())
		read(c, "KnownHost", st.Projects().KnownHosts())
		read(c, "TerraformAlias", st.Artifacts().TerraformAliases())
		c.out["Project"] = []string{c.text(reflect.ValueOf(p))}
	}
	return c.out
}

type reader struct {
	t       testing.TB
	st      store.Store
	project int64
	ring    *crypto.Ring
	places  map[string]map[int64]int
	out     map[string][]string
}

func read[T any](c *reader, kind string, table store.Table[T]) {
	c.t.Helper()
	page, err := table.List(c.t.Context(), c.project, store.Query{Limit: -1})
	require.NoError(c.t, err)
	slices.SortStableFunc(page.Items, func(a, b T) int { return rank(a) - rank(b) })
	c.places[kind], c.out[kind] = map[int64]int{}, nil
	for i := range page.Items {
		v := reflect.ValueOf(page.Items[i])
		c.places[kind][v.FieldByName("ID").Int()] = i
		c.out[kind] = append(c.out[kind], c.text(v))
	}
}

// rank puts the keys that people see first, as a file has them.
func rank(row any) int {
	if k, ok := row.(store.AccessKey); ok && k.Owner != store.OwnerShared {
		return 1
	}
	return 0
}

// kinds of the rows that fields refer to.
func kindsOfReferences() map[string]string {
	return map[string]string{
		"SSHKeyID": "Key", "BecomeKeyID": "Key", "VaultKeyID": "Key", "AuthSecretID": "Key", "AuthKeyID": "Key", "EnvironmentID": "Environment", "StorageID": "SecretStorage",
		"SourceStorageID": "SecretStorage", "SecretStorageID": "SecretStorage", "DefaultSecretStorageID": "SecretStorage", "TemplateID": "Template", "BuildTemplateID": "Template",
		"RepositoryID": "Repository", "InventoryID": "Inventory", "ViewID": "View", "ScheduleID": "Schedule", "IntegrationID": "Integration",
	}
}

// text writes the stored fields of a row, but for those that no backup has.
func (c *reader) text(v reflect.Value) string {
	var b strings.Builder
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if tag := f.Tag.Get("db"); tag == "" || tag == "-" || left(v.Type().Name()+"."+f.Name) != "" {
			continue
		}
		value := any(nil)
		field := v.Field(i)
		kind, refers := kindsOfReferences()[f.Name]
		switch {
		case f.Name == "Secret" && c.ring == nil: // which such a backup does not have
		case field.Kind() == reflect.Pointer && field.IsNil():
		case refers:
			value = c.place(kind, field)
		case f.Name == "Secret":
			value = c.open(v, field.Elem().String())
		default:
			text, err := json.Marshal(field.Interface())
			require.NoError(c.t, err)
			value = string(text)
		}
		fmt.Fprintf(&b, "%s=%v ", f.Name, value)
	}
	return b.String()
}

func (c *reader) place(kind string, id reflect.Value) string {
	if id.Kind() == reflect.Pointer {
		id = id.Elem()
	}
	if place, ok := c.places[kind][id.Int()]; ok {
		return fmt.Sprintf("%s %d", kind, place)
	}
	return "nowhere"
}

// open opens a sealed value, where secrets are compared.
func (c *reader) open(row reflect.Value, sealed string) string {
	table := "access_key"
	if row.Type().Name() == "TaskParams" {
		table = "task_params"
	}
	plain, err := c.ring.Open(sealed, crypto.AD{Table: table, ProjectID: row.FieldByName("ProjectID").Int(), ID: row.FieldByName("ID").Int(), Field: "secret"})
	require.NoError(c.t, err)
	return string(plain)
}
