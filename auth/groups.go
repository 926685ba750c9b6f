package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/go-ldap/ldap/v3"

	"github.com/alexandervashurin/semaphore/store"
)

// GroupMapping says what the members of a group become at sign-in.
type GroupMapping struct {
	// Group is its name as the provider tells it; those of a directory are DNs.
	// Required.
	Group string
	// Admin makes members administrators.
	Admin bool
	// Project is the id or the name of a project that members are in, and Role what
	// they are there. Default to no project.
	Project string
	Role    string
}

// GroupRoles gives people the rights of their groups. Make it with
// [NewGroupRoles], and set [Config].ProviderRoles to its Grants.
type GroupRoles struct {
	st       store.Store
	mappings map[string][]GroupMapping
	log      *slog.Logger
}

// NewGroupRoles maps groups by [External].Source: [SourceLDAP] or [SourceOIDC]
// of a provider. Log gets mappings that name what does not exist; nil is none.
func NewGroupRoles(st store.Store, mappings map[string][]GroupMapping, log *slog.Logger) (*GroupRoles, error) {
	if st == nil {
		return nil, errors.New("group mappings need a store: give one to NewGroupRoles")
	}
	for source, list := range mappings {
		for _, m := range list {
			switch {
			case m.Group == "":
				return nil, fmt.Errorf("a group mapping of %s has no group: name it", source)
			case (m.Project == "") != (m.Role == ""):
				return nil, fmt.Errorf("mapping of group %q has only one of project and role: set both", m.Group)
			case m.Project == "" && !m.Admin:
				return nil, fmt.Errorf("mapping of group %q gives nothing: set admin, or project and role", m.Group)
			}
		}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &GroupRoles{st: st, mappings: mappings, log: log}, nil
}

// Grants returns what the groups of an account give. The provider alone decides
// about what its mappings name: in a project that one of them names, somebody
// has the role of the first mapping that fits, and without any is no member; if
// one of them gives administration, those who are in no such group are no
// administrators. Everything else stays as it is.
func (g *GroupRoles) Grants(ctx context.Context, ext External) (Grants, error) {
	list := g.mappings[ext.Source]
	if len(list) == 0 {
		return Grants{}, nil
	}
	grants := Grants{Projects: map[int64]string{}}
	ids := map[string]int64{}
	for _, m := range list {
		in := slices.ContainsFunc(ext.Groups, func(group string) bool { return sameGroup(group, m.Group) })
		if m.Admin {
			admin := in || grants.Admin != nil && *grants.Admin
			grants.Admin = &admin
		}
		if m.Project == "" {
			continue
		}
		id, known := ids[m.Project]
		if !known {
			var err error
			if id, err = g.project(ctx, m.Project); err != nil {
				return Grants{}, err
			}
			ids[m.Project] = id
		}
		if id == 0 {
			continue
		}
		if err := g.grant(ctx, grants.Projects, id, m, in); err != nil {
			return Grants{}, err
		}
	}
	return grants, nil
}

// grant notes the role of one mapping, unless one before it has given another.
// A mapping whose role does not exist counts for nothing.
func (g *GroupRoles) grant(ctx context.Context, roles map[int64]string, project int64, m GroupMapping, in bool) error {
	known, err := g.role(ctx, project, m.Role)
	switch {
	case err != nil:
		return err
	case !known:
		g.log.WarnContext(ctx, "group mapping names a role that does not exist", "group", m.Group, "role", m.Role, "project_id", project)
	case roles[project] != "":
	case in:
		roles[project] = m.Role
	default:
		roles[project] = ""
	}
	return nil
}

// project finds a project by id, else by name; 0 where there is none, or more
// than one of that name.
func (g *GroupRoles) project(ctx context.Context, text string) (int64, error) {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		_, err := g.st.Projects().Get(ctx, 0, id)
		if err == nil {
			return id, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return 0, fmt.Errorf("read project of a group mapping: %w", err)
		}
	}
	page, err := g.st.Projects().List(ctx, 0, store.Query{Where: map[string]any{"name": text}, Limit: 2})
	if err != nil {
		return 0, fmt.Errorf("find project of a group mapping: %w", err)
	}
	if len(page.Items) != 1 {
		g.log.WarnContext(ctx, "group mapping names no single project: use its id", "project", text, "found", len(page.Items))
		return 0, nil
	}
	return page.Items[0].ID, nil
}

// role tells whether a project has a role.
func (g *GroupRoles) role(ctx context.Context, project int64, slug string) (bool, error) {
	if slices.ContainsFunc(Builtin(), func(r store.Role) bool { return r.Slug == slug }) {
		return true, nil
	}
	page, err := g.st.Projects().Roles().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"slug": slug}, Limit: -1})
	if err != nil {
		return false, fmt.Errorf("find role of a group mapping: %w", err)
	}
	return slices.ContainsFunc(page.Items, func(r store.Role) bool { return r.ProjectID == nil || *r.ProjectID == project }), nil
}

// sameGroup compares names as they are, and DNs as directories do.
func sameGroup(a, b string) bool {
	if a == b {
		return true
	}
	left, err := ldap.ParseDN(a)
	if err != nil || len(left.RDNs) == 0 {
		return false
	}
	right, err := ldap.ParseDN(b)
	return err == nil && left.EqualFold(right)
}
