package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

// roleBits tells what a role may do in a project: a row of the project, or of
// all, goes before the built-in role.
func roleBits(ctx context.Context, st store.Store, project int64, slug string) (bits int64, known bool, err error) {
	page, err := st.Projects().Roles().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"slug": slug}, Limit: -1})
	if err != nil {
		return 0, false, err
	}
	for _, r := range page.Items {
		if r.ProjectID == nil || *r.ProjectID == project {
			return r.Permissions & everyBit, true, nil
		}
	}
	if i := builtin(slug); i >= 0 {
		return auth.Builtin()[i].Permissions, true, nil
	}
	return 0, false, nil
}

func builtin(slug string) int {
	return slices.IndexFunc(auth.Builtin(), func(r store.Role) bool { return r.Slug == slug })
}

// mayChange finds a member whose role the caller may change or take away: not
// his own as an owner, and nobody's who may do more than he.
func (c *call) mayChange(ctx context.Context, tx store.Store, user int64) (store.Member, error) {
	m, err := findMember(ctx, tx, c.project.ID, user)
	if err != nil {
		return m, err
	}
	if user == c.user.ID && m.Role == auth.RoleOwner && !c.user.Admin {
		return m, answer(http.StatusBadRequest, "an owner cannot change his own role: another owner may")
	}
	bits, _, err := roleBits(ctx, tx, c.project.ID, m.Role)
	if err != nil {
		return m, err
	}
	return m, c.covers(bits, "this member may do more than you: ask an owner")
}

// mayGrant refuses roles that are unknown, or that may do more than the caller.
func (c *call) mayGrant(ctx context.Context, tx store.Store, slug string) error {
	bits, known, err := roleBits(ctx, tx, c.project.ID, slug)
	if err != nil {
		return err
	}
	if !known {
		return invalid("role", "%q is none of this project: use owner, manager, task_runner, guest or one that was added", clip(slug, 40))
	}
	return c.covers(bits, "this role may do more than you: ask an owner")
}

// covers refuses bits that the caller has not.
func (c *call) covers(bits int64, text string) error {
	if bits&^c.access.Bits != 0 {
		return answer(http.StatusForbidden, text)
	}
	return nil
}

// someOwner refuses a change of an owner that leaves the project without one.
func (c *call) someOwner(ctx context.Context, tx store.Store, oldRole string) error {
	if oldRole != auth.RoleOwner {
		return nil
	}
	n, err := tx.Projects().Members().Count(ctx, c.project.ID, store.Query{Where: map[string]any{"role": auth.RoleOwner}})
	if err != nil {
		return err
	}
	if n == 0 {
		return answer(http.StatusBadRequest, "this is the last owner: make another member one first")
	}
	return nil
}
