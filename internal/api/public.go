package api

import (
	"net/http"
)

func (s *Server) publicRoutes() []route {
	return []route{
		{method: "GET", path: "/ping", right: anyone, handle: s.ping},
		{method: "GET", path: "/health", right: anyone, handle: s.health},
		{method: "GET", path: "/version", right: anyone, handle: s.version},
		{method: "GET", path: "/metrics", right: admin, handle: s.showMetrics},
		{method: "GET", path: "/auth/login", right: anyone, handle: s.loginForm},
		{method: "GET", path: "/info", right: signedIn, handle: s.info},
	}
}

// ping tells that the process answers, whatever it stands on does.
func (s *Server) ping(c *call) error { return c.text(http.StatusOK, "pong") }

type versionReply struct {
	Version string `json:"version"`
}

// version tells what runs here.
func (s *Server) version(c *call) error {
	return c.json(http.StatusOK, versionReply{s.cfg.Version})
}

// authMethods are the second factors that a client may have to ask for.
type authMethods struct {
	TOTP  *totpMethod `json:"totp,omitempty"`
	Email *struct{}   `json:"email,omitempty"`
}

type totpMethod struct {
	AllowRecovery bool `json:"allow_recovery"`
}

func (s *Server) authMethods() authMethods {
	var m authMethods
	if s.cfg.Settings.TOTP {
		m.TOTP = &totpMethod{AllowRecovery: s.cfg.Settings.TOTPRecovery}
	}
	return m
}

type loginFormReply struct {
	Providers   []Provider  `json:"oidc_providers"`
	AuthMethods authMethods `json:"auth_methods"`
	Password    bool        `json:"login_with_password"`
}

// loginForm tells what the sign-in page offers.
func (s *Server) loginForm(c *call) error {
	providers := []Provider{}
	if s.cfg.SignIns != nil {
		providers = append(providers, s.cfg.SignIns.Providers()...)
	}
	return c.json(http.StatusOK, loginFormReply{providers, s.authMethods(), !s.cfg.Settings.PasswordLoginDisabled})
}

// unauthenticated gives errors of package auth about who somebody is the
// status that clients know.
func unauthenticated(err error) error {
	if text, ok := authText(err); ok {
		return answer(http.StatusUnauthorized, text)
	}
	return err
}

// private keeps a reply with a secret out of caches.
func (c *call) private() { c.w.Header().Set("Cache-Control", "no-store") }
