package semaphore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// FirstAdmin sees to it that somebody can sign in. Where want names a
// Username, it is that account: it is left as it is where it exists. Else any
// administrator will do, and without one "admin" is made. The password of a new
// account is the given one, or one that is made up and returned as made: show
// it, for it is kept nowhere.
func (a *App) FirstAdmin(ctx context.Context, want store.User, password string) (admin store.User, made string, err error) {
	where := map[string]any{"admin": true}
	if want.Username != "" {
		where = map[string]any{"username": strings.ToLower(want.Username)}
	}
	if admin, found, err := a.findUser(ctx, where); found || err != nil {
		return admin, "", err
	}
	if password == "" {
		made = crypto.Token(16)
		password = made
	}
	hash, err := a.web.auth.HashPassword(password)
	if err != nil {
		return admin, "", fmt.Errorf("password of the administrator: %w", err)
	}
	login := strings.ToLower(cmp.Or(want.Username, "admin"))
	admin, err = a.store.Users().Create(ctx, store.User{
		Username: login, Name: cmp.Or(want.Name, login), Email: cmp.Or(want.Email, login+"@localhost"), Admin: true, Password: hash,
	})
	if errors.Is(err, store.ErrConflict) { // another server has just done the same
		if other, found, lookErr := a.findUser(ctx, where); found && lookErr == nil {
			return other, "", nil
		}
	}
	if err != nil {
		return admin, "", fmt.Errorf("make the administrator: %w", err)
	}
	return admin, made, nil
}

func (a *App) findUser(ctx context.Context, where map[string]any) (u store.User, found bool, err error) {
	page, err := a.store.Users().List(ctx, 0, store.Query{Where: where, Limit: 1})
	if err != nil {
		return u, false, fmt.Errorf("look for an administrator: %w", err)
	}
	if len(page.Items) == 0 {
		return u, false, nil
	}
	return page.Items[0], true, nil
}
