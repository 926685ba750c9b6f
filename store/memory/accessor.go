package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

type users struct{ rows[store.User] }

func (u users) Sessions() store.Table[store.Session]      { return tableOf[store.Session](u.s) }
func (u users) Tokens() store.Table[store.APIToken]       { return tableOf[store.APIToken](u.s) }
func (u users) SecondFactors() store.Table[store.TOTP]    { return tableOf[store.TOTP](u.s) }
func (u users) OneTimeCodes() store.Table[store.EmailOTP] { return tableOf[store.EmailOTP](u.s) }

// ByLogin prefers the user of that name to one with that address.
func (u users) ByLogin(ctx context.Context, login string) (store.User, error) {
	st, err := u.s.view(ctx)
	if err != nil {
		return store.User{}, err
	}
	for _, column := range []string{"username", "email"} {
		for _, rec := range st.rows(u.e).all(false) {
			if login != "" && strings.EqualFold(u.e.text(rec, column), login) {
				return load[store.User](u.e, rec)
			}
		}
	}
	return store.User{}, fmt.Errorf("user: %w", store.ErrNotFound)
}

type projects struct{ rows[store.Project] }

func (p projects) Members() store.Table[store.Member]       { return tableOf[store.Member](p.s) }
func (p projects) Roles() store.Table[store.Role]           { return tableOf[store.Role](p.s) }
func (p projects) Invites() store.Table[store.Invite]       { return tableOf[store.Invite](p.s) }
func (p projects) KnownHosts() store.Table[store.KnownHost] { return tableOf[store.KnownHost](p.s) }

func (p projects) Of(ctx context.Context, user int64) ([]store.Project, error) {
	st, err := p.s.view(ctx)
	if err != nil {
		return nil, err
	}
	member := st.cat.byName["member"]
	var recs []record
	for _, m := range st.rows(member).all(false) {
		if member.int(m, "user_id") == user {
			rec, _ := st.rows(p.e).get(member.int(m, "project_id"))
			recs = append(recs, rec)
		}
	}
	name := p.e.number["name"]
	slices.SortFunc(recs, func(a, b record) int {
		return cmp.Or(compare(a[name], b[name]), compare(a[p.e.id], b[p.e.id]))
	})
	return loadAll[store.Project](p.e, recs)
}

type templates struct{ rows[store.Template] }

func (t templates) Vaults() store.Table[store.TemplateVault] {
	return tableOf[store.TemplateVault](t.s)
}
func (t templates) Roles() store.Table[store.TemplateRole] { return tableOf[store.TemplateRole](t.s) }

type integrations struct{ rows[store.Integration] }

func (i integrations) Matchers() store.Table[store.IntegrationMatcher] {
	return tableOf[store.IntegrationMatcher](i.s)
}

func (i integrations) Extractors() store.Table[store.IntegrationExtractor] {
	return tableOf[store.IntegrationExtractor](i.s)
}

func (i integrations) Aliases() store.Table[store.IntegrationAlias] {
	return tableOf[store.IntegrationAlias](i.s)
}

func (i integrations) TaskParams() store.Table[store.TaskParams] {
	return tableOf[store.TaskParams](i.s)
}

type options struct{ s *Store }

func (o options) All(ctx context.Context) (map[string]string, error) {
	st, err := o.s.view(ctx)
	if err != nil {
		return nil, err
	}
	return maps.Clone(st.options), nil
}

func (o options) Set(ctx context.Context, key, value string) error {
	return o.s.write(ctx, func(st *state) error {
		st.options = maps.Clone(st.options)
		if value == "" {
			delete(st.options, key)
		} else {
			st.options[key] = value
		}
		return nil
	})
}

type events struct{ table rows[store.Event] }

func (e events) Add(ctx context.Context, ev store.Event) error {
	_, err := e.table.Create(ctx, ev)
	return err
}

func (e events) List(ctx context.Context, scope int64, q store.Query) (store.Page[store.Event], error) {
	if q.Sort == "" {
		q.Sort, q.Desc = "id", true
	}
	return e.table.List(ctx, scope, q)
}

func (e events) Purge(ctx context.Context, before int64, limit int) (n int, err error) {
	err = e.table.s.write(ctx, func(st *state) error {
		entity := e.table.e
		var old []int64
		for id, rec := range st.rows(entity).all(false) {
			if len(old) < limit && entity.int(rec, "created") < before {
				old = append(old, id)
			}
		}
		n = len(old)
		return st.erase(entity, old)
	})
	return n, err
}
