package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/alexandervashurin/semaphore/auth"
)

// loginPage is where somebody goes on who was not let in.
const loginPage = "/auth/login"

// beginOIDC sends a browser to the provider.
func (s *Server) beginOIDC(c *call) error {
	provider := c.r.PathValue("provider")
	if s.cfg.SignIns == nil {
		return c.redirect(loginPage)
	}
	if err := s.cfg.SignIns.Begin(c.w, c.r, provider, localPath(c.r.URL.Query().Get("return"))); err != nil {
		return c.notSignedIn(provider, err)
	}
	return nil
}

// finishOIDC takes the browser back from the provider, signed in or not.
func (s *Server) finishOIDC(c *call) error {
	provider := c.r.PathValue("provider")
	if s.cfg.SignIns == nil {
		return c.redirect(loginPage)
	}
	ext, to, err := s.cfg.SignIns.Finish(c.r, c.w, provider)
	if err != nil {
		return c.notSignedIn(provider, err)
	}
	who, err := s.auth.SignInExternal(c.ctx(), c.client(), ext)
	if err != nil {
		return c.notSignedIn(provider, err)
	}
	if err := c.recordSignIn(who.User, "by "+clip(ext.Source, 100)); err != nil {
		return err
	}
	s.auth.SetCookie(c.w, c.r, who.Cookie)
	if to == "" {
		to = "/" + c.r.PathValue("path")
	}
	return c.redirect(localPath(to))
}

// notSignedIn logs why a browser comes back without a session. Its user is told
// as much as helps to go on: what is wrong with an account is for those who read
// the log.
func (c *call) notSignedIn(provider string, err error) error {
	why := "provider"
	switch {
	case errors.Is(err, auth.ErrOIDCState):
		why = "state"
	case errors.Is(err, auth.ErrOIDCRefused):
		why = "refused"
	case errors.Is(err, auth.ErrExternal):
		why = "account"
	}
	c.s.log.Warn("sign-in at provider failed", slog.String("request_id", c.requestID), slog.String("provider", clip(provider, 100)), slog.Any("error", err))
	return c.redirect(loginPage + "?why=" + why)
}

// redirect sends a browser to one of our own pages.
func (c *call) redirect(path string) error {
	c.private()
	c.w.Header().Set("Location", c.s.link(path))
	c.w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

// localPath returns a path of ours, and / for anything by which a link could
// send a browser elsewhere.
func localPath(text string) string {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || len(text) > 2000 ||
		strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "/"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return "/"
	}
	return text
}
