// Package api is the HTTP API: the routes that clients of Semaphore UI know,
// and what this project adds to them. Each route is a line of a table that
// names its method, its path and the right it asks for; [Server] does the
// rest in one place: who asks, whether they may, what an error answers.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// Config configures a [Server].
type Config struct {
	Store store.Store    // required
	Pool  *pool.TaskPool // required
	Auth  *auth.Service  // required
	Ring  *crypto.Ring   // required

	// Version is what /api/info tells.
	Version string
	// WebHost is the public address. Its path is the prefix of all routes, and
	// its origin may call them from a browser. Defaults to none.
	WebHost string
	// Authenticate replaces sign-in by that of a host program: it returns who
	// makes a request, or nil for nobody. Defaults to Auth.
	Authenticate func(*http.Request) (*store.User, error)

	Settings Settings  // what the configuration says about the instance
	Apps     Apps      // the apps that templates may name; required
	Alerts   Alerts    // sends test notifications. Defaults to none.
	Secrets  Secrets   // storages outside. Defaults to none.
	SignIns  SignIns   // sign-in at other providers. Defaults to none.
	Webhooks *Webhooks // incoming webhooks. Defaults to a fresh journal.
	Metrics  *Metrics  // figures for /api/metrics. Defaults to fresh ones.

	// Ready is what /api/health asks beside the database, such as whether the
	// pool runs. Defaults to nothing.
	Ready func(ctx context.Context) error

	// Nodes lists the servers that share the database. Defaults to none.
	Nodes func(ctx context.Context) ([]nodes.Node, error)

	TrustedProxies []netip.Prefix // whose forwarding headers are honoured. Defaults to none.
	TrustedOrigins []string       // further origins that browsers may call from: "https://portal.example.org"
	Web            http.Handler   // serves everything that is not below /api. Defaults to a page of links.
	AccessLog      *slog.Logger   // one record for each request. Defaults to none.
	Log            *slog.Logger   // Defaults to slog.Default().
	Now            func() time.Time
}

// Settings are what the administrator decided about the instance.
type Settings struct {
	NonAdminCanCreateProject bool
	PasswordLoginDisabled    bool
	RequireCurrentPassword   bool // on a change of the own password
	UseRemoteRunner          bool
	TOTP, TOTPRecovery       bool
	EmailOTP                 bool
	GitClient                string // cmd_git or go_git
	Timezone                 string // of schedules
	InvitesEnabled           bool
	InviteType               string // username, email or both
	MembersCanLeave          bool
	RunnerRegistrationToken  string // what runners register with; "" switches that off
	WebhookLegacyStatus      bool   // webhooks answer 2xx whatever happens
	MaxParallelTasks         int
	DumpDir                  string // where heap profiles go
	// ClearCache empties the caches of a project, or of all for 0, but for those
	// in use. Defaults to none.
	ClearCache func(ctx context.Context, project int64) error
	// Ansible tells the version of Ansible, once. Defaults to what the program on
	// PATH says.
	Ansible func(ctx context.Context) (string, error)
}

// Server answers the requests. It is made by [New].
type Server struct {
	cfg     Config
	base    string // path of WebHost, without a slash at its end
	routes  []route
	mux     *http.ServeMux
	origins *http.CrossOriginProtection
	metrics *Metrics
	ansible *finding
	live    *live
	replies *replies
	st      store.Store
	pool    *pool.TaskPool
	auth    *auth.Service
	log     *slog.Logger

	enrolling tries // of runners
}

// New checks a configuration and builds the table of routes. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Pool == nil || cfg.Auth == nil || cfg.Ring == nil || cfg.Apps == nil {
		return nil, errors.New("api: Store, Pool, Auth, Ring and Apps are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Webhooks == nil {
		cfg.Webhooks = NewWebhooks(cfg.Now)
	}
	s := &Server{
		cfg: cfg, mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(),
		st: cfg.Store, pool: cfg.Pool, auth: cfg.Auth, log: cfg.Log,
	}
	if err := s.setOrigins(); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(s)
	s.live = newLive(s)
	s.replies = newReplies(cfg.Store)
	s.ansible = newFinding(cfg.Settings.Ansible, cfg.Log)
	s.routes = s.table()
	for _, r := range s.routes {
		s.mux.Handle(r.method+" /api"+r.path, s.serve(r))
	}
	return s, nil
}

func (s *Server) setOrigins() error {
	origins := s.cfg.TrustedOrigins
	if s.cfg.WebHost != "" {
		u, err := url.Parse(s.cfg.WebHost)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("api: web host %q is no address: write https://host/prefix", s.cfg.WebHost)
		}
		s.base = strings.TrimRight(u.Path, "/")
		origins = append([]string{u.Scheme + "://" + u.Host}, origins...)
	}
	for _, o := range origins {
		if err := s.origins.AddTrustedOrigin(o); err != nil {
			return fmt.Errorf("api: trusted origin %q: %w: write scheme://host[:port]", o, err)
		}
	}
	return nil
}

// link is a public address below the web host, or a path where there is none.
func (s *Server) link(path string) string { return strings.TrimRight(s.cfg.WebHost, "/") + path }

// Close ends open websockets and streams and waits for them. The handler
// answers on, but for those. It may be called again.
func (s *Server) Close() error {
	s.live.close()
	s.ansible.close()
	return nil
}
