package api

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// roleSlug is what slugs look like.
var roleSlug = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// checkSlug refuses slugs that cannot be. Built-in roles may be replaced for
// all projects, but for the owner, who has to be able to do everything.
func (c *call) checkSlug(slug string) error {
	switch {
	case slug == "":
		return nil
	case !roleSlug.MatchString(slug):
		return invalid("slug", "is %q: use small letters, digits, _ and -", clip(slug, 40))
	case builtin(slug) >= 0 && c.project.ID != 0, slug == auth.RoleOwner, slug == "all":
		return invalid("slug", "%q is taken by a role that every project has: choose another one", slug)
	}
	return nil
}

// freeSlug makes a slug of a name that no role has yet.
func freeSlug(ctx context.Context, tx store.Store, name string) (string, error) {
	page, err := tx.Projects().Roles().List(ctx, store.AnyScope, store.Query{Limit: -1})
	if err != nil {
		return "", err
	}
	taken := map[string]bool{"all": true}
	for _, r := range append(page.Items, auth.Builtin()...) {
		taken[r.Slug] = true
	}
	base := slugOf(name)
	slug := base
	for n := 2; taken[slug]; n++ {
		slug = fmt.Sprintf("%s_%d", base, n)
	}
	return slug, nil
}

// slugOf keeps the small letters and digits of a name.
func slugOf(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	slug := strings.Join(words, "_")
	slug = strings.Trim(slug[:min(len(slug), 40)], "_")
	if slug == "" {
		return "role"
	}
	return slug
}
