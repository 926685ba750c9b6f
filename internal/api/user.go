package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"github.com/alexandervashurin/semaphore/store"
)

// userInput is what a client says about an account. Who may change what is
// checked where it is used.
type userInput struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Admin    bool   `json:"admin"`
	External bool   `json:"external"`
	Alert    bool   `json:"alert"`
	Pro      bool   `json:"pro"`
	passwordInput
}

func (s *Server) userRoutes() []route {
	return []route{
		{method: "GET", path: "/users", right: signedIn, handle: s.listUsers},
		{method: "POST", path: "/users", right: signedIn, handle: s.createUser},
		{method: "GET", path: "/users/{user}", right: signedIn, handle: s.showUser},
		{method: "PUT", path: "/users/{user}", right: signedIn, handle: s.updateUser},
		{method: "DELETE", path: "/users/{user}", right: signedIn, handle: s.deleteUser},
		{method: "POST", path: "/users/{user}/password", right: signedIn, handle: s.setPassword},
	}
}

// minimalUser is what everybody may know of everybody.
type minimalUser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

// listUsers lists accounts whose name begins with s: whole to administrators,
// names alone to others, who choose members among them.
func (s *Server) listUsers(c *call) error {
	sorts := []string{"id", "username", "name", "created"}
	if c.user.Admin {
		sorts = append(sorts, "email")
	}
	q, err := c.query(sorts, false)
	if err != nil {
		return err
	}
	prefix := c.r.URL.Query().Get("s")
	if prefix != "" {
		q.Search = prefix
	}
	page, err := s.st.Users().List(c.ctx(), 0, q)
	if err != nil {
		return err
	}
	users := page.Items[:0:0]
	for _, u := range page.Items {
		if strings.HasPrefix(strings.ToLower(u.Username), strings.ToLower(prefix)) {
			users = append(users, u)
		}
	}
	if c.user.Admin {
		shown, err := c.showUsers(users)
		if err != nil {
			return err
		}
		return c.page(shown, page.Next)
	}
	minimal := make([]minimalUser, len(users))
	for i, u := range users {
		minimal[i] = minimalUser{u.ID, u.Username, u.Name}
	}
	return c.page(minimal, page.Next)
}

// showUser shows an account: whole to itself and to administrators, else its
// names, with all other members empty.
func (s *Server) showUser(c *call) error {
	id, err := c.id("user")
	if err != nil {
		return err
	}
	u, err := s.st.Users().Get(c.ctx(), 0, id)
	if err != nil {
		return named(err, "user")
	}
	if u.ID != c.user.ID && !c.user.Admin {
		return c.json(http.StatusOK, store.User{ID: u.ID, Username: u.Username, Name: u.Name})
	}
	shown, err := c.showUsers([]store.User{u})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, shown[0])
}

// check refuses names that cannot be.
func (in *userInput) check() error {
	for _, f := range []struct{ name, text string }{{"username", in.Username}, {"name", in.Name}, {"email", in.Email}} {
		if err := checkName(f.name, f.text); err != nil {
			return err
		}
		switch {
		case strings.TrimSpace(f.text) == "":
			return invalid(f.name, "is empty: it is required")
		case strings.ContainsFunc(f.text, unicode.IsControl):
			return invalid(f.name, "contains control characters")
		}
	}
	return nil
}

// free refuses names by which another account already signs in: a name may not
// be somebody else's address either.
func (in *userInput) free(ctx context.Context, tx store.Store, id int64) error {
	for _, f := range []struct{ name, text string }{{"username", in.Username}, {"email", in.Email}} {
		other, err := tx.Users().ByLogin(ctx, f.text)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if other.ID != id {
			return invalid(f.name, "another account signs in by it: choose another one")
		}
	}
	return nil
}

// createUser adds an account. Those of a provider need no password.
func (s *Server) createUser(c *call) error {
	if !c.user.Admin {
		return answer(http.StatusUnauthorized, "only administrators may add users")
	}
	var in userInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	u := store.User{
		Created: s.cfg.Now(), Username: in.Username, Name: in.Name, Email: in.Email,
		Admin: in.Admin, External: in.External, Alert: in.Alert, Pro: in.Pro,
	}
	if !in.External {
		hash, err := s.auth.HashPassword(in.Password)
		if err != nil {
			return err
		}
		u.Password = hash
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) (err error) {
		if err := in.free(ctx, tx, 0); err != nil {
			return err
		}
		if u, err = tx.Users().Create(ctx, u); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventUser, u.ID, "User %q created", u.Username)
	})
	if err != nil {
		return err
	}
	shown, err := c.showUsers([]store.User{u})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, shown[0])
}
