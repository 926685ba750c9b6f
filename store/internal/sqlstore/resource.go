package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/alexandervashurin/semaphore/store"
)

type users struct{ table[store.User] }

func (u users) Sessions() store.Table[store.Session]      { return of[store.Session](u.s) }
func (u users) Tokens() store.Table[store.APIToken]       { return of[store.APIToken](u.s) }
func (u users) SecondFactors() store.Table[store.TOTP]    { return of[store.TOTP](u.s) }
func (u users) OneTimeCodes() store.Table[store.EmailOTP] { return of[store.EmailOTP](u.s) }

// ByLogin prefers the name, where one user's name is another one's address.
func (u users) ByLogin(ctx context.Context, login string) (store.User, error) {
	for _, column := range []string{"username", "email"} {
		query := "SELECT " + u.m.columns + " FROM app_user WHERE lower(" + column + ") = lower($1" + u.s.dialect.Collate + ")"
		found, err := scanAll[store.User](ctx, u.s.read(), u.m, query, login)
		if err != nil {
			return store.User{}, fmt.Errorf("find user: %w", err)
		}
		if len(found) > 0 && login != "" {
			return found[0], nil
		}
	}
	return store.User{}, fmt.Errorf("find user: %w", store.ErrNotFound)
}

type projects struct{ table[store.Project] }

func (p projects) Members() store.Table[store.Member]       { return of[store.Member](p.s) }
func (p projects) Roles() store.Table[store.Role]           { return of[store.Role](p.s) }
func (p projects) Invites() store.Table[store.Invite]       { return of[store.Invite](p.s) }
func (p projects) KnownHosts() store.Table[store.KnownHost] { return of[store.KnownHost](p.s) }

// Of lists the projects that a user is a member of.
func (p projects) Of(ctx context.Context, user int64) ([]store.Project, error) {
	query := "SELECT " + p.m.prefixed("p") + ` FROM member m JOIN project p ON p.id = m.project_id
		WHERE m.user_id = $1 ORDER BY lower(p.name), p.id`
	list, err := scanAll[store.Project](ctx, p.s.read(), p.m, query, user)
	if err != nil {
		return nil, fmt.Errorf("list projects of user: %w", err)
	}
	return list, nil
}

type templates struct{ table[store.Template] }

func (t templates) Vaults() store.Table[store.TemplateVault] { return of[store.TemplateVault](t.s) }
func (t templates) Roles() store.Table[store.TemplateRole]   { return of[store.TemplateRole](t.s) }

type integrations struct{ table[store.Integration] }

func (i integrations) Matchers() store.Table[store.IntegrationMatcher] {
	return of[store.IntegrationMatcher](i.s)
}

func (i integrations) Extractors() store.Table[store.IntegrationExtractor] {
	return of[store.IntegrationExtractor](i.s)
}

func (i integrations) Aliases() store.Table[store.IntegrationAlias] {
	return of[store.IntegrationAlias](i.s)
}

func (i integrations) TaskParams() store.Table[store.TaskParams] { return of[store.TaskParams](i.s) }

type options struct{ s *Store }

func (o options) All(ctx context.Context) (map[string]string, error) {
	all := map[string]string{}
	err := o.s.read().each(ctx, "SELECT key, value FROM option", nil, func(rows *sql.Rows) error {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		all[key] = value
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list options: %w", err)
	}
	return all, nil
}

func (o options) Set(ctx context.Context, key, value string) error {
	err := o.s.write(ctx, func(ctx context.Context, c conn) (err error) {
		if value == "" {
			_, err = c.exec(ctx, "DELETE FROM option WHERE key = $1", key)
		} else {
			_, err = c.exec(ctx, "INSERT INTO option (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("set option: %w", err)
	}
	return nil
}
