package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

func (s *Service) grants(ctx context.Context, ext External) (Grants, error) {
	if s.cfg.ProviderRoles == nil {
		return Grants{}, nil
	}
	g, err := s.cfg.ProviderRoles(ctx, ext)
	if err != nil {
		return Grants{}, fmt.Errorf("%w: its groups give no roles: %w", ErrExternal, err)
	}
	return g, nil
}

// apply gives an account the rights that its provider says. A project that does
// not exist keeps nobody out.
func (s *Service) apply(ctx context.Context, tx store.Store, user store.User, g Grants) (store.User, error) {
	if g.Admin != nil && user.Admin != *g.Admin {
		user.Admin = *g.Admin
		if err := tx.Users().Update(ctx, user); err != nil {
			return user, fmt.Errorf("apply rights of the provider: %w", err)
		}
	}
	for _, project := range slices.Sorted(maps.Keys(g.Projects)) {
		err := member(ctx, tx, project, user.ID, g.Projects[project])
		if errors.Is(err, store.ErrNotFound) {
			s.cfg.Log.WarnContext(ctx, "provider gives a role in a project that does not exist", "project_id", project)
			continue
		}
		if err != nil {
			return user, fmt.Errorf("apply rights of the provider: %w", err)
		}
	}
	return user, nil
}

// member gives a user a role in a project; "" takes the membership away.
func member(ctx context.Context, tx store.Store, project, user int64, role string) error {
	if _, err := tx.Projects().Get(ctx, 0, project); err != nil {
		return err
	}
	row, err := membership(ctx, tx, project, user)
	switch {
	case err != nil:
		return err
	case row == nil && role == "":
		return nil
	case row == nil:
		_, err = tx.Projects().Members().Create(ctx, store.Member{ProjectID: project, UserID: user, Role: role})
		return err
	case role == "":
		return tx.Projects().Members().Delete(ctx, project, row.ID)
	case row.Role == role:
		return nil
	}
	row.Role = role
	return tx.Projects().Members().Update(ctx, *row)
}

// membership returns nil for somebody who is no member.
func membership(ctx context.Context, st store.Store, project, user int64) (*store.Member, error) {
	page, err := st.Projects().Members().List(ctx, project, store.Query{Where: map[string]any{"user_id": user}, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("read membership: %w", err)
	}
	if len(page.Items) == 0 {
		return nil, nil
	}
	return &page.Items[0], nil
}
