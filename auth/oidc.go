package auth

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// OIDCProvider says how people sign in by one provider of OpenID Connect.
type OIDCProvider struct {
	// ClientID and ClientSecret are what the provider knows us by. The id is
	// required; without a secret we are a public client, which PKCE protects.
	ClientID     string
	ClientSecret Secret
	// RedirectURL is where the provider sends people back to: what calls
	// [OIDC.Finish]. Defaults to <WebHost>/api/auth/oidc/<id>/redirect.
	RedirectURL string
	// Scopes default to openid, profile, email.
	Scopes []string

	// DisplayName, Color and Icon are those of the button; the name defaults to
	// the id. Order is its place.
	DisplayName string
	Color       string
	Icon        string
	Order       int

	// ProviderURL is the issuer, whose addresses are discovered when they are
	// needed first. Defaults to those of Endpoint.
	ProviderURL string
	Endpoint    OIDCEndpoint

	// Expressions of claims, see [ParseClaim].
	UsernameClaim string // Defaults to preferred_username
	NameClaim     string // Defaults to preferred_username
	EmailClaim    string // Defaults to email
	GroupsClaim   string // Defaults to groups
	// ReadGroups asks for groups also where the token has none. Set it with group
	// mappings. Defaults to false.
	ReadGroups bool

	// EmailVerified says what an address is worth. Defaults to EmailIfPresent.
	EmailVerified EmailPolicy
	// ReturnInPath appends the page to return to to the redirect URL, which the
	// provider then has to allow. It travels in the cookie in any case. Defaults to
	// false.
	ReturnInPath bool
}

// OIDCEndpoint are the addresses of a provider that cannot be discovered. One
// without keys (JWKS) is not OpenID Connect but OAuth 2: then UserInfo tells who
// somebody is, and its sub or id is the subject.
type OIDCEndpoint struct {
	Issuer     string // required with JWKS
	Auth       string // required
	Token      string // required
	UserInfo   string // required without JWKS
	JWKS       string
	Algorithms []string // Defaults to RS256
}

// EmailPolicy says what the address of an account is worth that the provider
// has not verified.
type EmailPolicy string

// The policies.
const (
	EmailRequire   EmailPolicy = "require"    // only addresses that the provider calls verified
	EmailIfPresent EmailPolicy = "if_present" // all that it does not call unverified
	EmailIgnore    EmailPolicy = "ignore"     // all
)

// OIDCOptions are for all providers.
type OIDCOptions struct {
	// WebHost is our public URL. Required, unless every provider has a RedirectURL.
	WebHost string
	// HTTP reaches providers. Whatever it is, answers are cut off at 1 MiB, and a
	// POST follows no redirect. Defaults to a client of 10 s for each request that
	// honours HTTP_PROXY and the like.
	HTTP *http.Client
	// Timeout is how long Begin and Finish may take. Defaults to 20 s.
	Timeout time.Duration
}

// Provider is a button of the sign-in page.
type Provider struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Color string `json:"color"`
	Icon  string `json:"icon"`
}

// Errors of [OIDC] that callers branch on.
var (
	// ErrNoProvider tells that there is no such provider.
	ErrNoProvider = errors.New("no such identity provider")
	// ErrOIDCRefused is the answer of a provider that does not let its user in.
	ErrOIDCRefused = errors.New("the identity provider refuses")
	// ErrOIDCState tells that an answer belongs to no sign-in of this browser.
	ErrOIDCState = errors.New("the sign-in was not begun in this browser, is finished already or took more than 10 minutes: begin again")
)

// SourceOIDC is the [External].Source of accounts of a provider.
func SourceOIDC(provider string) string { return "oidc:" + provider }

// OIDC signs in by providers of OpenID Connect: with the authorization code
// flow, PKCE (S256), a nonce, and a state that is good for one use, for 10
// minutes and for one browser. It is safe for concurrent use. Make it with
// [NewOIDC].
//
// A sign-in that was begun is kept by the browser, in a cookie that is sealed
// with the service's ring: any process with the same ring may finish it. Which
// ones are finished each process remembers for itself, the newest 10,000; what
// comes again elsewhere is still refused by the provider, whose codes are good
// for one use. A browser has one sign-in at a time: the one it began last.
type OIDC struct {
	s         *Service
	timeout   time.Duration
	providers map[string]*oidcProvider
	buttons   []Provider
	used      *usedStates
}

// NewOIDC returns the providers by their ids. It reaches none of them yet: one
// that is down keeps nobody from signing in by another.
func NewOIDC(s *Service, providers map[string]OIDCProvider, opts OIDCOptions) (*OIDC, error) {
	if s == nil {
		return nil, errors.New("providers need a service: make one with New")
	}
	if opts.Timeout < 0 {
		return nil, fmt.Errorf("time-out of providers is %v: choose one above 0", opts.Timeout)
	}
	orDefault(&opts.Timeout, 20*time.Second)
	o := &OIDC{s: s, timeout: opts.Timeout, providers: map[string]*oidcProvider{}, used: newUsedStates(s.cfg.Now)}
	client := oidcHTTP(opts.HTTP)
	var sorted []*oidcProvider
	for id, cfg := range providers {
		p, err := newOIDCProvider(id, cfg, opts.WebHost)
		if err != nil {
			return nil, fmt.Errorf("provider %q: %w", id, err)
		}
		p.http, p.now = client, s.cfg.Now
		o.providers[id] = p
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, func(a, b *oidcProvider) int {
		return cmp.Or(cmp.Compare(a.cfg.Order, b.cfg.Order), cmp.Compare(a.id, b.id))
	})
	for _, p := range sorted {
		o.buttons = append(o.buttons, Provider{ID: p.id, Name: p.cfg.DisplayName, Color: p.cfg.Color, Icon: p.cfg.Icon})
	}
	return o, nil
}

// Providers lists the providers in their order.
func (o *OIDC) Providers() []Provider { return slices.Clone(o.buttons) }

func (o *OIDC) provider(id string) (*oidcProvider, error) {
	p, ok := o.providers[id]
	if !ok {
		return nil, ErrNoProvider
	}
	return p, nil
}

// newOIDCProvider checks a configuration and sets its defaults.
func newOIDCProvider(id string, cfg OIDCProvider, webHost string) (*oidcProvider, error) {
	if id == "" || len(id) > 100 || strings.ContainsAny(id, "/\\") || !acceptable(id) {
		return nil, errors.New("its id cannot be part of a URL: choose a plain word")
	}
	orDefault(&cfg.DisplayName, id)
	orDefault(&cfg.EmailVerified, EmailIfPresent)
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{"openid", "profile", "email"}
	}
	if cfg.RedirectURL == "" {
		if webHost == "" {
			return nil, errors.New("it has no redirect URL: set it, or the web host")
		}
		cfg.RedirectURL = strings.TrimRight(webHost, "/") + "/api/auth/oidc/" + url.PathEscape(id) + "/redirect"
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &oidcProvider{id: id, cfg: cfg, turn: make(chan struct{}, 1)}
	for _, claim := range []struct {
		name, text, byDefault string
		to                    *Claim
	}{
		{"username", cfg.UsernameClaim, "preferred_username", &p.username},
		{"name", cfg.NameClaim, "preferred_username", &p.name},
		{"email", cfg.EmailClaim, "email", &p.email},
		{"groups", cfg.GroupsClaim, "groups", &p.groups},
	} {
		orDefault(&claim.text, claim.byDefault)
		parsed, err := ParseClaim(claim.text)
		if err != nil {
			return nil, fmt.Errorf("its %s: %w", claim.name, err)
		}
		*claim.to = parsed
	}
	return p, nil
}

// check tells what is wrong with a provider.
func (cfg OIDCProvider) check() error {
	if cfg.ClientID == "" {
		return errors.New("it has no client id: set it")
	}
	switch cfg.EmailVerified {
	case EmailRequire, EmailIfPresent, EmailIgnore:
	default:
		return fmt.Errorf("its policy for addresses is %q: choose require, if_present or ignore", cfg.EmailVerified)
	}
	addresses := []string{cfg.RedirectURL, cfg.ProviderURL}
	if e := cfg.Endpoint; cfg.ProviderURL == "" {
		switch {
		case e.Auth == "" || e.Token == "":
			return errors.New("it has neither a provider URL nor addresses to sign in and to get tokens at: set either")
		case e.JWKS != "" && e.Issuer == "":
			return errors.New("it has keys and no issuer: set it")
		case e.JWKS == "" && e.UserInfo == "":
			return errors.New("it has neither keys nor user info: set either")
		}
		addresses = append(addresses, e.Auth, e.Token, e.UserInfo, e.JWKS)
		for _, alg := range e.Algorithms {
			if !slices.Contains(oidcAlgorithms(), alg) {
				return fmt.Errorf("its algorithm %q is none that only the provider can sign with: choose from %s", alg, strings.Join(oidcAlgorithms(), ", "))
			}
		}
	}
	for _, address := range addresses {
		if u, err := url.Parse(address); err != nil || address != "" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("its address %q is none: give an http or https URL", address)
		}
	}
	return nil
}
