package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func (s *Server) tokenRoutes() []route {
	return []route{
		{method: "GET", path: "/user/tokens", right: signedIn, handle: s.listTokens},
		{method: "POST", path: "/user/tokens", right: signedIn, handle: s.createToken},
		{method: "DELETE", path: "/user/tokens/{token}", right: signedIn, handle: s.deleteToken},
	}
}

// newTokenInput may be left out as a whole: then the token may do all that its
// user may, for ever.
type newTokenInput struct {
	Name    string     `json:"name"`
	Scopes  []string   `json:"scopes"` // read, run, write, project:ID
	Expires *time.Time `json:"expires"`
}

// listTokens lists the caller's tokens. The id of each is its first characters.
func (s *Server) listTokens(c *call) error {
	tokens, err := s.auth.Tokens(c.ctx(), c.user.ID)
	if err != nil {
		return err
	}
	for i := range tokens {
		showScopes(&tokens[i])
	}
	if tokens == nil {
		tokens = []store.APIToken{}
	}
	return c.json(http.StatusOK, tokens)
}

func showScopes(t *store.APIToken) {
	if t.Scopes == nil {
		t.Scopes = []string{}
	}
}

// createToken makes a token, which is the id of the reply this once.
func (s *Server) createToken(c *call) error {
	if len(c.identity.Scopes) > 0 {
		return answer(http.StatusForbidden, "a token with scopes makes no other tokens: sign in")
	}
	var in newTokenInput
	if err := c.decodeOptional(&in); err != nil {
		return err
	}
	if err := c.checkToken(in); err != nil {
		return err
	}
	text, row, err := s.auth.NewToken(c.ctx(), c.user.ID, auth.TokenOptions{Name: in.Name, Scopes: in.Scopes, Expires: in.Expires})
	if err != nil {
		return err
	}
	if err := c.record(context.WithoutCancel(c.ctx()), s.st, store.EventUser, c.user.ID, "API token %q created", row.Prefix); err != nil {
		return err
	}
	row.Prefix = text
	showScopes(&row)
	c.private()
	return c.json(http.StatusCreated, row)
}

func (c *call) checkToken(in newTokenInput) error {
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	switch {
	case len(in.Scopes) > 100:
		return invalid("scopes", "are more than 100")
	case in.Expires != nil && !in.Expires.After(c.s.cfg.Now()):
		return invalid("expires", "is past: choose a later time")
	}
	verb := len(in.Scopes) == 0
	for _, scope := range in.Scopes {
		text, ok := strings.CutPrefix(scope, "project:")
		switch {
		case ok:
			if err := c.checkProjectScope(text); err != nil {
				return err
			}
		case scope == "read" || scope == "run" || scope == "write":
			verb = true
		default:
			return invalid("scopes", "%q is none: use read, run, write and project:ID", clip(scope, 40))
		}
	}
	if !verb {
		return invalid("scopes", "allow nothing: add read, run or write")
	}
	return nil
}

// checkProjectScope refuses projects that the caller does not see.
func (c *call) checkProjectScope(text string) error {
	unknown := invalid("scopes", "project %q is none of yours: give the id of one", clip(text, 40))
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != text {
		return unknown
	}
	if _, err = c.s.st.Projects().Get(c.ctx(), 0, id); err == nil {
		_, err = c.s.auth.Access(c.ctx(), c.user, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return unknown
	}
	return err
}

// deleteToken revokes a token, given as a whole or by its first 8 characters.
func (s *Server) deleteToken(c *call) error {
	text := c.r.PathValue("token")
	err := s.auth.DeleteToken(c.ctx(), c.user.ID, text)
	if errors.Is(err, store.ErrConflict) {
		return answer(http.StatusConflict, "several tokens begin so: give the whole token")
	}
	if err != nil {
		return named(err, "token")
	}
	ctx := context.WithoutCancel(c.ctx())
	if err := c.record(ctx, s.st, store.EventUser, c.user.ID, "API token %q deleted", text[:min(8, len(text))]); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
