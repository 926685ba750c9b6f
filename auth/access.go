package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// Verb is something that one may do in a project.
type Verb string

// The verbs. Every member may read.
const (
	VerbRead   Verb = "read"
	VerbRun    Verb = "run"    // tasks
	VerbUpdate Verb = "update" // the project itself
	VerbManage Verb = "manage" // its resources
	VerbUsers  Verb = "users"  // its members
)

// Roles that need no row.
const (
	RoleOwner      = "owner"
	RoleManager    = "manager"
	RoleTaskRunner = "task_runner"
	RoleGuest      = "guest"
)

const allBits = store.CanRunTasks | store.CanUpdateProject | store.CanManageResources | store.CanManageUsers

// templateBits are those that a template can give.
const templateBits = store.CanRunTasks | store.CanManageResources

// Builtin returns the roles that every project has. A row of the same slug
// takes the place of one.
func Builtin() []store.Role {
	return []store.Role{
		{Slug: RoleOwner, Name: "Owner", Permissions: allBits},
		{Slug: RoleManager, Name: "Manager", Permissions: store.CanRunTasks | store.CanManageResources},
		{Slug: RoleTaskRunner, Name: "Task Runner", Permissions: store.CanRunTasks},
		{Slug: RoleGuest, Name: "Guest"},
	}
}

// Bits returns the permission bit that a verb needs: 0 for VerbRead. One that
// is not known needs more than anybody has.
func Bits(v Verb) int64 {
	switch v {
	case VerbRead:
		return 0
	case VerbRun:
		return store.CanRunTasks
	case VerbUpdate:
		return store.CanUpdateProject
	case VerbManage:
		return store.CanManageResources
	case VerbUsers:
		return store.CanManageUsers
	}
	return 1 << 62
}

// Access is what a user may do in a project.
type Access struct {
	Role   string // "" for an administrator who is no member
	Bits   int64
	Member bool
	Admin  bool // of everything
}

// Can tells whether the bits allow it.
func (a Access) Can(v Verb) bool { return a.Bits&Bits(v) == Bits(v) }

// Access tells what a user may do in a project. For somebody who is neither a
// member nor an administrator the project does not exist: store.ErrNotFound.
// Whether it does exist is not looked up for administrators.
func (s *Service) Access(ctx context.Context, user store.User, project int64) (Access, error) {
	row, err := membership(ctx, s.st, project, user.ID)
	if err != nil {
		return Access{}, err
	}
	a := Access{Admin: user.Admin, Member: row != nil}
	if row != nil {
		a.Role = row.Role
	}
	switch {
	case user.Admin:
		a.Bits = allBits
		return a, nil
	case row == nil:
		return Access{}, fmt.Errorf("project: %w", store.ErrNotFound)
	}
	a.Bits, err = s.roleBits(ctx, project, row.Role)
	return a, err
}

// roleBits prefers a row of this project, or of all, to the built-in role.
func (s *Service) roleBits(ctx context.Context, project int64, slug string) (int64, error) {
	page, err := s.st.Projects().Roles().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"slug": slug}, Limit: -1})
	if err != nil {
		return 0, fmt.Errorf("read role: %w", err)
	}
	for _, r := range page.Items {
		if r.ProjectID == nil || *r.ProjectID == project {
			return r.Permissions & allBits, nil
		}
	}
	i := slices.IndexFunc(Builtin(), func(r store.Role) bool { return r.Slug == slug })
	if i < 0 {
		return 0, nil
	}
	return Builtin()[i].Permissions, nil
}

// TemplateBits returns the bits that somebody has for one template: those of
// the project, and those to run and to manage that the template gives his role.
func (s *Service) TemplateBits(ctx context.Context, a Access, project, template int64) (int64, error) {
	if a.Admin || a.Role == "" {
		return a.Bits, nil
	}
	page, err := s.st.Templates().Roles().List(ctx, project, store.Query{Where: map[string]any{"template_id": template, "role_slug": a.Role}, Limit: -1})
	if err != nil {
		return 0, fmt.Errorf("read rights of template: %w", err)
	}
	bits := a.Bits
	for _, r := range page.Items {
		bits |= r.Permissions & templateBits
	}
	return bits, nil
}
