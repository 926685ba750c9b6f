package semaphore

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/internal/apps"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// HTTP configures the API that [App.Handler] serves.
type HTTP struct {
	// WebHost is the public address, "https://ci.example.org/semaphore": its path
	// is the prefix of all routes, and links in notifications begin with it.
	// Defaults to none: no prefix, and links are paths.
	WebHost string
	// Local is where tasks of this machine reach the API if there is no WebHost,
	// "http://127.0.0.1:3000": Terraform does with override_backend. Defaults to
	// none: without either such templates have to name an address themselves.
	Local string
	// Version is what the API says of itself. Defaults to that of the module.
	Version string
	// Auth configures sign-in. Its Ring is set here, its CookiePath defaults to the
	// path of WebHost.
	Auth auth.Config
	// OIDC are providers of OpenID Connect by their ids. Defaults to none.
	OIDC map[string]auth.OIDCProvider
	// Settings are what the administrator decided. Defaults to the strictest.
	Settings Settings
	// Apps is the catalogue of apps. Defaults to the built-in ones whose program is
	// on PATH, and what administrators set by the API.
	Apps Apps

	TrustedProxies []netip.Prefix // whose X-Forwarded headers are honoured. Defaults to none.
	TrustedOrigins []string       // further origins that browsers may call from. Defaults to none.
	Web            http.Handler   // serves what is not below /api. Defaults to a line of links.
	AccessLog      *slog.Logger   // one record for each request. Defaults to none.
}

// Settings are what the administrator decided about the API.
type Settings = api.Settings

// Apps is a catalogue of apps that templates may name.
type Apps = api.Apps

// web is the part of an App that answers HTTP.
type web struct {
	auth   *auth.Service
	server *api.Server
}

// catalogue completes the apps, and makes the pool ask it.
func (c *Config) catalogue(settings *pool.Config) {
	if c.HTTP.Apps != nil {
		return
	}
	cat := apps.New(c.Store, nil)
	c.HTTP.Apps = cat
	if settings.CheckApp == nil {
		settings.CheckApp = cat.Check
	}
}

// stateAddress tells tasks where Terraform reaches the API.
func (c *Config) stateAddress(settings *pool.Config) {
	server, ring := cmp.Or(c.HTTP.WebHost, c.HTTP.Local), c.Ring
	if server == "" || settings.StateAddress != nil {
		return
	}
	settings.StateAddress = func(t store.Task, attempt int) string { return api.TaskStateAddress(ring, server, t, attempt) }
}

// newWeb wires the API on a pool.
func (c *Config) newWeb(p *pool.TaskPool, secrets api.Secrets, alerts *alert.Alerter, app *App) (*web, error) {
	h := c.HTTP
	settings := h.Auth
	settings.Ring = c.Ring
	if settings.Log == nil {
		settings.Log = c.Log
	}
	if u, err := url.Parse(h.WebHost); err == nil && settings.CookiePath == "" {
		settings.CookiePath = strings.TrimRight(u.Path, "/") + "/"
		settings.SecureCookie = settings.SecureCookie || u.Scheme == "https"
	}
	service, err := auth.New(c.Store, settings)
	if err != nil {
		return nil, err
	}
	h.Settings.TOTP, h.Settings.TOTPRecovery, h.Settings.EmailOTP = settings.TOTP, settings.AllowRecovery, settings.EmailOTP
	if h.Settings.ClearCache == nil {
		h.Settings.ClearCache = c.clearCaches
	}
	cfg := api.Config{
		Store: c.Store, Pool: p, Auth: service, Ring: c.Ring, Version: h.Version, WebHost: h.WebHost,
		Authenticate: c.Authenticate, Settings: h.Settings, Apps: h.Apps,
		TrustedProxies: h.TrustedProxies, TrustedOrigins: h.TrustedOrigins, Web: h.Web, AccessLog: h.AccessLog,
		Secrets: secrets, Metrics: c.metrics, Ready: app.ready, Log: c.Log, Now: c.Pool.Now,
	}
	if len(h.OIDC) > 0 {
		if cfg.SignIns, err = auth.NewOIDC(service, h.OIDC, auth.OIDCOptions{WebHost: h.WebHost}); err != nil {
			return nil, err
		}
	}
	if app.nodes != nil {
		cfg.Nodes = app.nodes.List
	}
	if alerts != nil {
		cfg.Alerts = testAlerts{alerts}
	}
	server, err := api.New(cfg)
	if err != nil {
		return nil, err
	}
	return &web{auth: service, server: server}, nil
}

// clearCaches asks the executor of this machine.
func (c *Config) clearCaches(ctx context.Context, project int64) error {
	local, ok := c.Executor.(interface {
		ClearCaches(ctx context.Context, project int64) error
	})
	if !ok {
		return nil
	}
	return local.ClearCaches(ctx, project)
}

// Handler serves the HTTP API below /api, with or without the path of the web
// host in front, so it can be mounted behind any router. It works whether or not
// Run runs; tasks wait until it does.
func (a *App) Handler() http.Handler { return a.web.server.Handler() }

// Auth is who signs people in: for commands, and to guard handlers of the host
// program's own.
func (a *App) Auth() *auth.Service { return a.web.auth }
