package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/alexandervashurin/semaphore/store"
)

// appID is what apps may be called: their settings are options of that name.
var appID = regexp.MustCompile(`^\w{1,50}$`)

func (s *Server) appRoutes() []route {
	return []route{
		{method: "GET", path: "/apps", right: signedIn, handle: s.listApps},
		{method: "GET", path: "/apps/{app}", right: admin, handle: s.showApp},
		{method: "PUT", path: "/apps/{app}", right: admin, handle: s.setApp},
		{method: "POST", path: "/apps/{app}", right: admin, handle: s.setApp},
		{method: "DELETE", path: "/apps/{app}", right: admin, handle: s.deleteApp},
		{method: "POST", path: "/apps/{app}/active", right: admin, handle: s.activateApp},
	}
}

func checkAppID(id string) error {
	if !appID.MatchString(id) {
		return answer(http.StatusBadRequest, "app id is not made of at most 50 letters, digits and _")
	}
	return nil
}

// appFields are the fields of an app with what each may hold as an option.
func appFields() map[string]setting {
	return map[string]setting{
		"active": isBool, "priority": isNumber(-1_000_000, 1_000_000), "title": isLine, "icon": isLine,
		"color": isLine, "dark_color": isLine, "path": isLine, "args": isTexts,
	}
}

func isLine(value string) error {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return errors.New("contains control characters")
	}
	return nil
}

func isTexts(value string) error {
	var list []string
	if err := json.Unmarshal([]byte(value), &list); err != nil {
		return errors.New(`is no JSON list of texts: write ["-x", "y"]`)
	}
	return nil
}

// listApps lists the catalogue, inactive apps included: forms show a template's
// app even where it has been switched off.
func (s *Server) listApps(c *call) error {
	list, err := s.cfg.Apps.List(c.ctx())
	if err != nil {
		return err
	}
	shown := make([]App, len(list))
	for i, a := range list {
		shown[i] = showArgs(a)
	}
	return c.json(http.StatusOK, shown)
}

func showArgs(a App) App {
	if a.Args == nil {
		a.Args = []string{}
	}
	return a
}

// app finds the app of the path.
func (c *call) app() (App, error) {
	id := c.r.PathValue("app")
	if err := checkAppID(id); err != nil {
		return App{}, err
	}
	list, err := c.s.cfg.Apps.List(c.ctx())
	if err != nil {
		return App{}, err
	}
	for _, a := range list {
		if a.ID == id {
			return showArgs(a), nil
		}
	}
	return App{ID: id}, answer(http.StatusNotFound, "app not found")
}

// showApp answers with one app.
func (s *Server) showApp(c *call) error {
	a, err := c.app()
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, a)
}

// setApp says all about an app, which may be a new one.
func (s *Server) setApp(c *call) error {
	id := c.r.PathValue("app")
	if err := checkAppID(id); err != nil {
		return err
	}
	var in App
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.ID != "" && in.ID != id {
		return invalid("id", "is %q, the path says %q", clip(in.ID, 60), id)
	}
	in.ID = id
	if err := in.check(); err != nil {
		return err
	}
	return c.storeApp(in)
}

// check refuses what its options could not hold.
func (a App) check() error {
	args, err := json.Marshal(a.Args)
	if err != nil {
		return invalid("args", "cannot be written as JSON")
	}
	for field, value := range map[string]string{
		"priority": strconv.Itoa(a.Priority), "title": a.Title, "icon": a.Icon,
		"color": a.Color, "dark_color": a.DarkColor, "path": a.Path, "args": string(args),
	} {
		if len(value) > 1000 {
			return invalid(field, "is longer than 1000 bytes")
		}
		if err := appFields()[field](value); err != nil {
			return invalid(field, "%s", err)
		}
	}
	return nil
}

// storeApp stores what an administrator says about an app.
func (c *call) storeApp(a App) error {
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := c.s.cfg.Apps.Set(ctx, tx, a); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventOption, 0, "App %q updated", a.ID)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

type activeInput struct {
	Active bool `json:"active"`
}

// activateApp switches an app on or off.
func (s *Server) activateApp(c *call) error {
	var in activeInput
	if err := c.decode(&in); err != nil {
		return err
	}
	a, err := c.app()
	if err != nil {
		return err
	}
	a.Active = in.Active
	return c.storeApp(a)
}

// deleteApp forgets what was said about an app. A built-in one stays, as it
// was.
func (s *Server) deleteApp(c *call) error {
	a, err := c.app()
	if err != nil {
		return err
	}
	err = c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := s.cfg.Apps.Delete(ctx, tx, a.ID); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventOption, 0, "App %q deleted", a.ID)
	})
	if err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
