package export

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// builtinRoles are those that every project has.
func builtinRoles() []string { return []string{"owner", "manager", "task_runner", "guest"} }

var rolePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// freeSlug makes a slug of a name that no role has yet.
func freeSlug(name string, taken map[string]bool) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	base := strings.Join(words, "_")
	base = strings.Trim(base[:min(len(base), 40)], "_")
	if base == "" {
		base = "role"
	}
	slug := base
	for n := 2; taken[slug]; n++ {
		slug = fmt.Sprintf("%s_%d", base, n)
	}
	return slug
}

// aliases are those that somebody has. Their letters' case makes no difference.
type aliases map[string]bool

// aliasesOf lists those of a table, over all projects.
func aliasesOf[T any](r *restorer, table store.Table[T], alias func(*T) string) aliases {
	taken := aliases{}
	if r.err != nil {
		return taken
	}
	page, err := table.List(r.ctx, store.AnyScope, store.Query{Limit: -1})
	if err != nil {
		r.err = fmt.Errorf("restore addresses: %w", err)
	}
	for i := range page.Items {
		taken[strings.ToLower(alias(&page.Items[i]))] = true
	}
	return taken
}

// free returns an alias if nobody has it, else a new one, and reports that.
func (r *restorer) free(taken aliases, alias, integration string) string {
	called := alias
	if taken[strings.ToLower(alias)] {
		fresh := make([]byte, 8)
		rand.Read(fresh)
		called = hex.EncodeToString(fresh)
		r.report.Aliases = append(r.report.Aliases, RestoredAlias{Integration: integration, Old: alias, New: called})
	}
	taken[strings.ToLower(called)] = true
	return called
}
