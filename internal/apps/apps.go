// Package apps is the catalogue of apps that templates may name: what the
// configuration says, and over it what administrators have set while the
// server runs, which is kept as options "apps.<id>.<field>".
package apps

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// prefix is that of the options.
const prefix = "apps."

// Catalogue implements [api.Apps].
type Catalogue struct {
	st     store.Store
	base   map[string]config.AppSettings
	onPath func(program string) bool
}

// New returns the catalogue of the built-in apps and those of the settings,
// which may be nil. Programs are looked for on PATH once.
func New(st store.Store, settings map[string]config.AppSettings) *Catalogue {
	var found sync.Map
	return &Catalogue{st: st, base: settings, onPath: func(program string) bool {
		if ok, known := found.Load(program); known {
			return ok.(bool)
		}
		_, err := exec.LookPath(program)
		found.Store(program, err == nil)
		return err == nil
	}}
}

// List returns all apps, the highest priority first.
func (c *Catalogue) List(ctx context.Context) ([]api.App, error) {
	options, err := c.st.Options().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("apps: %w", err)
	}
	maps.DeleteFunc(options, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) })
	cfg := config.Config{AppSettings: maps.Clone(c.base)}
	cfg.ApplyOptions(options, &config.Report{})
	list := cfg.Apps(c.onPath)
	out := make([]api.App, len(list))
	for i, a := range list {
		out[i] = api.App(a)
		if out[i].Args == nil {
			out[i].Args = []string{}
		}
	}
	return out, nil
}

// Check refuses apps that are unknown or switched off: give it to
// pool.Config.CheckApp.
func (c *Catalogue) Check(ctx context.Context, st store.Store, id string) error {
	list, err := (&Catalogue{st: st, base: c.base, onPath: c.onPath}).List(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(a api.App) bool { return a.ID == id })
	switch {
	case i < 0:
		return fmt.Errorf("app %q is unknown: an administrator may add it", id)
	case !list[i].Active:
		return fmt.Errorf("app %q is switched off: an administrator may switch it on", id)
	}
	return nil
}

// fields are the options of an app.
func fields(a api.App) (map[string]string, error) {
	args := ""
	if len(a.Args) > 0 {
		data, err := json.Marshal(a.Args)
		if err != nil {
			return nil, fmt.Errorf("arguments: %w", err)
		}
		args = string(data)
	}
	return map[string]string{
		"active": strconv.FormatBool(a.Active), "priority": strconv.Itoa(a.Priority), "title": a.Title,
		"icon": a.Icon, "color": a.Color, "dark_color": a.DarkColor, "path": a.Path, "args": args,
	}, nil
}

// Set stores what differs from what the catalogue says now. An empty field
// forgets its option.
func (c *Catalogue) Set(ctx context.Context, tx store.Store, app api.App) error {
	in := &Catalogue{st: tx, base: c.base, onPath: c.onPath}
	list, err := in.List(ctx)
	if err != nil {
		return err
	}
	now := map[string]string{}
	if i := slices.IndexFunc(list, func(a api.App) bool { return a.ID == app.ID }); i >= 0 {
		if now, err = fields(list[i]); err != nil {
			return err
		}
	}
	wanted, err := fields(app)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if value, known := now[name]; known && value == wanted[name] {
			continue
		}
		if err := tx.Options().Set(ctx, prefix+app.ID+"."+name, wanted[name]); err != nil {
			return fmt.Errorf("app %s: %w", app.ID, err)
		}
	}
	return nil
}

// Delete forgets what was set.
func (c *Catalogue) Delete(ctx context.Context, tx store.Store, id string) error {
	options, err := tx.Options().All(ctx)
	if err != nil {
		return fmt.Errorf("apps: %w", err)
	}
	for name := range options {
		if strings.HasPrefix(name, prefix+id+".") {
			if err := tx.Options().Set(ctx, name, ""); err != nil {
				return fmt.Errorf("app %s: %w", id, err)
			}
		}
	}
	return nil
}
