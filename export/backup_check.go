package export

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alexandervashurin/semaphore/store"
)

// Check says what keeps a backup from being restored: too many rows, values that
// cannot be, references that lead nowhere or to several rows. The error is a
// *[BackupError] that names object and field. It looks at the file alone; what
// only an instance can tell, [Restore] does.
func Check(b *Backup) error {
	_, err := check(b)
	return err
}

// indexes find the rows of a file by their names.
type indexes struct {
	keys, storages, environments, views, repositories, inventories, templates, roles index
}

// checker walks over a backup. The first error stays.
type checker struct {
	b   *Backup
	ix  indexes
	err error
}

func check(b *Backup) (indexes, error) {
	c := &checker{b: b}
	c.counts()
	if c.err != nil {
		return c.ix, c.err
	}
	c.ix = indexes{
		keys:         newIndex("key", b.Keys, func(r *BackupKey) string { return r.Name }),
		storages:     newIndex("secret storage", b.SecretStorages, func(r *BackupStorage) string { return r.Name }),
		environments: newIndex("variable group", b.Environments, func(r *BackupEnvironment) string { return r.Name }),
		views:        newIndex("view", b.Views, func(r *BackupView) string { return r.Title }),
		repositories: newIndex("repository", b.Repositories, func(r *BackupRepository) string { return r.Name }),
		inventories:  newIndex("inventory", b.Inventories, func(r *BackupInventory) string { return r.Name }),
		templates:    newIndex("template", b.Templates, func(r *BackupTemplate) string { return r.Name }),
		roles:        newIndex("role", b.Roles, func(r *BackupRole) string { return r.Name }),
	}
	c.meta()
	c.storages()
	c.roles()
	c.environments()
	c.views()
	c.keys()
	c.repositories()
	c.inventories()
	c.templates()
	c.builds()
	c.integrations()
	c.schedules()
	c.own()
	return c.ix, c.err
}

// row is where the checker stands.
type row struct {
	c      *checker
	object string
}

func (c *checker) at(noun string, i int, name string) row {
	if name == "" {
		return row{c, fmt.Sprintf("%s %d", noun, i+1)}
	}
	return row{c, object(noun, name)}
}

// fail keeps the first error.
func (r row) fail(field, format string, args ...any) {
	if r.c.err == nil {
		r.c.err = &BackupError{File: r.c.b.file, Object: r.object, Field: field, Reason: fmt.Sprintf(format, args...)}
	}
}

// name checks what a row is called, in the file and afterwards.
func (r row) name(field, name string, own BackupName, limit int, optional bool) {
	given := name
	if own.Name != nil {
		given = *own.Name
	}
	switch {
	case name == "" && !optional:
		r.fail(field, "is empty: give it a name")
	case utf8.RuneCountInString(given) > limit:
		r.fail(field, "is longer than %d characters", limit)
	}
}

// text bounds the length of a text.
func (r row) text(field, text string, limit int) {
	if len(text) > limit {
		r.fail(field, "is longer than %d bytes", limit)
	}
}

func (r row) texts(fields map[string]*string, limit int) {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if text := fields[field]; text != nil {
			r.text(field, *text, limit)
		}
	}
}

// oneOf refuses other values than those listed; "" among them stands for nothing.
func (r row) oneOf(field, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	words := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	r.fail(field, "is %q: use %s", clip(value, 40), strings.Join(words, ", "))
}

// number refuses negative numbers.
func (r row) number(field string, n int64) {
	if n < 0 {
		r.fail(field, "is below 0")
	}
}

// refer checks a reference by name; an empty one is none.
func (r row) refer(field string, name *string, to index) {
	if name == nil || *name == "" {
		return
	}
	if _, reason := to.find(*name); reason != "" {
		r.fail(field, "%s", reason)
	}
}

// key checks a reference to a key that people see. Those of variable groups and
// storages are nobody else's.
func (r row) key(field string, name *string) {
	r.refer(field, name, r.c.ix.keys)
	if r.c.err != nil || name == nil || *name == "" {
		return
	}
	i, _ := r.c.ix.keys.find(*name)
	if k := r.c.b.Keys[i]; k.Owner != store.OwnerShared {
		r.fail(field, "key %q belongs to a variable group or storage: name one of the key store", clip(*name, 60))
	}
}

// need is refer for what has to be there.
func (r row) need(field, name string, to index) {
	if name == "" {
		r.fail(field, "is missing: name a %s", to.noun)
		return
	}
	r.refer(field, &name, to)
}

func (c *checker) counts() {
	b := c.b
	own := BackupOwn{}
	if b.Own != nil {
		own = *b.Own
	}
	for _, n := range []struct {
		field string
		count int
	}{
		{"templates", len(b.Templates)}, {"repositories", len(b.Repositories)}, {"keys", len(b.Keys)}, {"views", len(b.Views)},
		{"inventories", len(b.Inventories)}, {"environments", len(b.Environments)}, {"integrations", len(b.Integrations)},
		{"integration_aliases", len(b.IntegrationAliases)}, {"schedules", len(b.Schedules)}, {"secret_storages", len(b.SecretStorages)},
		{"roles", len(b.Roles)}, {"semaphore_go.known_hosts", len(own.KnownHosts)}, {"semaphore_go.terraform_aliases", len(own.TerraformAliases)},
	} {
		if n.count > MaxBackupRows && c.err == nil {
			c.err = &BackupError{File: b.file, Field: n.field, Reason: fmt.Sprintf("has %d rows, at most %d are restored: split the project", n.count, MaxBackupRows), cause: ErrLarge}
		}
	}
}

func (c *checker) meta() {
	m, r := &c.b.Meta, row{c, "meta"}
	r.text("name", m.Name, 255)
	if m.AlertChat != nil {
		r.text("alert_chat", *m.AlertChat, 30)
	}
	r.text("type", m.Type, 255)
	r.number("max_parallel_tasks", int64(m.MaxParallelTasks))
	r.oneOf("semaphore_go.host_keys", m.Own.HostKeys, "", "off", "pin", "strict")
	r.number("semaphore_go.max_seconds", int64(m.Own.MaxSeconds))
	r.retention("semaphore_go.retention", m.Own.Retention)
	r.refer("semaphore_go.default_secret_storage", m.Own.DefaultSecretStorage, c.ix.storages)
}

func (r row) retention(field string, keep store.Retention) {
	r.number(field+".days", int64(keep.Days))
	r.number(field+".tasks", int64(keep.Tasks))
	r.number(field+".bytes", keep.Bytes)
}

func (c *checker) own() {
	if c.b.Own == nil {
		return
	}
	known := map[[2]string]bool{}
	for i, h := range c.b.Own.KnownHosts {
		r := c.at("known host", i, h.Host)
		for _, part := range [][2]string{{"host", h.Host}, {"key_type", h.KeyType}, {"key", h.Key}} {
			if part[1] == "" {
				r.fail(part[0], "is missing")
			}
			r.text(part[0], part[1], 16<<10)
		}
		if at := [2]string{strings.ToLower(h.Host), strings.ToLower(h.KeyType)}; known[at] {
			r.fail("host", "has two keys of type %s: keep one", clip(h.KeyType, 40))
		} else {
			known[at] = true
		}
	}
	for i, a := range c.b.Own.TerraformAliases {
		r := c.at("terraform alias", i, "")
		r.alias("alias", a.Alias)
		r.need("inventory", a.Inventory, c.ix.inventories)
		r.need("auth_key", a.AuthKey, c.ix.keys)
		r.key("auth_key", &a.AuthKey)
	}
}

var aliasPattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,255}$`)

func (r row) alias(field, alias string) {
	if !aliasPattern.MatchString(alias) {
		r.fail(field, "is no address: it has letters, digits, dashes and underscores")
	}
}
