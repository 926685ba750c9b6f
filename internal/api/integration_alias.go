package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

// aliasRoutes serve the addresses of webhooks: those of a project, which all of
// its searchable integrations share, and those of one integration.
func (s *Server) aliasRoutes() []route {
	const project, integration = "/project/{project}/integrations/aliases", "/project/{project}/" + integrationPart + "aliases"
	return []route{
		{method: "GET", path: project, right: member, handle: s.listAliases},
		{method: "POST", path: project, right: canManage, handle: s.createAlias},
		{method: "DELETE", path: project + "/{alias}", right: canManage, handle: s.deleteAlias},
		{method: "GET", path: integration, right: member, handle: s.listAliases},
		{method: "POST", path: integration, right: canManage, handle: s.createAlias},
		{method: "DELETE", path: integration + "/{alias}", right: canManage, handle: s.deleteAlias},
	}
}

// aliasLevel is the integration of the path, nil for the project.
func (c *call) aliasLevel(ctx context.Context, st store.Store) (*int64, error) {
	if c.r.PathValue("integration") == "" {
		return nil, nil
	}
	i, err := c.integrationOf(ctx, st)
	return &i.ID, err
}

// hookURL is the address of an alias. Who may neither run nor manage anything
// does not get it: it starts tasks.
func (c *call) hookURL(alias string) string {
	if !c.seesValues() {
		return ""
	}
	return c.publicLink("/api/integrations/" + alias)
}

// publicLink is an address of this server: below the web host where there is
// one, else where the request has found it.
func (c *call) publicLink(path string) string {
	if c.s.cfg.WebHost != "" {
		return c.s.link(path)
	}
	scheme := "http"
	if c.r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host + path
}

func (s *Server) listAliases(c *call) error {
	level, err := c.aliasLevel(c.ctx(), s.st)
	if err != nil {
		return err
	}
	var of any
	if level != nil {
		of = *level
	}
	page, err := s.st.Integrations().Aliases().List(c.ctx(), c.project.ID, store.Query{Where: map[string]any{"integration_id": of}, Limit: -1})
	if err != nil {
		return err
	}
	for i := range page.Items {
		page.Items[i].URL = c.hookURL(page.Items[i].Alias)
	}
	return c.json(http.StatusOK, page.Items)
}

// createAlias makes an address. There is nothing to say about it, so that no
// body is read.
func (s *Server) createAlias(c *call) error {
	var row store.IntegrationAlias
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		level, err := c.aliasLevel(ctx, tx)
		if err != nil {
			return err
		}
		row, err = tx.Integrations().Aliases().Create(ctx, store.IntegrationAlias{ProjectID: c.project.ID, IntegrationID: level, Alias: randomHex(8)})
		if err != nil {
			return err
		}
		return c.recordAlias(ctx, tx, row, "created")
	})
	if err != nil {
		return err
	}
	row.URL = c.hookURL(row.Alias)
	return c.json(http.StatusOK, row)
}

// randomHex returns n random bytes in hex.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// recordAlias writes the event of an address, which it does not show.
func (c *call) recordAlias(ctx context.Context, tx store.Store, row store.IntegrationAlias, what string) error {
	if row.IntegrationID == nil {
		return c.record(ctx, tx, store.EventProject, c.project.ID, "Address %d of the project's integrations %s", row.ID, what)
	}
	return c.record(ctx, tx, store.EventIntegration, *row.IntegrationID, "Address %d of the integration %s", row.ID, what)
}

func (s *Server) deleteAlias(c *call) error {
	id, err := c.id("alias")
	if err != nil {
		return err
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		level, err := c.aliasLevel(ctx, tx)
		if err != nil {
			return err
		}
		row, err := tx.Integrations().Aliases().Get(ctx, c.project.ID, id)
		if err == nil && (level == nil) != (row.IntegrationID == nil) || err == nil && level != nil && *level != *row.IntegrationID {
			err = store.ErrNotFound
		}
		if err != nil {
			return named(err, "address")
		}
		if err := tx.Integrations().Aliases().Delete(ctx, c.project.ID, id); err != nil {
			return named(err, "address")
		}
		return c.recordAlias(ctx, tx, row, "deleted")
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
