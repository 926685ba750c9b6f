package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// A provider changes its addresses now and then; its keys are looked up anew
	// whenever a signature names one that is not known.
	rediscoverAfter = time.Hour
	// Nobody waits again for a provider that was found dead a moment ago.
	retryDiscovery = 2 * time.Second
)

// oidcAlgorithms are the signatures that need a key which only the provider has.
func oidcAlgorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512,
		oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
	}
}

// oidcProvider is one provider.
type oidcProvider struct {
	id       string
	cfg      OIDCProvider
	http     *http.Client
	now      func() time.Time
	username Claim
	name     Claim
	email    Claim
	groups   Claim

	turn     chan struct{} // of who discovers; guards the following
	found    *oidcEndpoints
	foundAt  time.Time
	failed   error
	failedAt time.Time
}

// oidcEndpoints is what is known about a provider.
type oidcEndpoints struct {
	*oidc.Provider
	oauth    oauth2.Config
	issuer   string
	verifier *oidc.IDTokenVerifier // nil for OAuth 2 without tokens of identity
}

// endpoints finds the addresses, once for all who wait.
func (p *oidcProvider) endpoints(ctx context.Context) (*oidcEndpoints, error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("discover provider %s: %w", p.id, ctx.Err())
	}
	defer func() { <-p.turn }()
	now := p.now()
	if p.found != nil && now.Sub(p.foundAt) < rediscoverAfter {
		return p.found, nil
	}
	if p.failed == nil || now.Sub(p.failedAt) >= retryDiscovery {
		found, err := p.discover(oidc.ClientContext(ctx, p.http))
		switch {
		case err == nil:
			p.found, p.foundAt, p.failed = found, now, nil
		case errors.Is(ctx.Err(), context.Canceled):
			return nil, fmt.Errorf("discover provider %s: %w", p.id, ctx.Err()) // that says nothing about it
		default:
			p.failed, p.failedAt = oidcFault("discover provider "+p.id, err), p.now()
		}
	}
	if p.found != nil {
		return p.found, nil // old addresses are better than none
	}
	return nil, p.failed
}

func (p *oidcProvider) discover(ctx context.Context) (*oidcEndpoints, error) {
	e := &oidcEndpoints{issuer: p.cfg.ProviderURL}
	style := oauth2.AuthStyleAutoDetect
	if p.cfg.ProviderURL != "" {
		found, err := oidc.NewProvider(ctx, p.cfg.ProviderURL)
		if err != nil {
			return nil, err
		}
		var extra struct {
			JWKS    string   `json:"jwks_uri"`
			Methods []string `json:"token_endpoint_auth_methods_supported"`
		}
		if err := found.Claims(&extra); err != nil {
			return nil, err
		}
		if at := found.Endpoint(); at.AuthURL == "" || at.TokenURL == "" || extra.JWKS == "" {
			return nil, errors.New("it tells no addresses to sign in and to get tokens and keys at")
		}
		e.Provider, style = found, authStyle(extra.Methods)
	} else {
		at := p.cfg.Endpoint
		e.issuer = at.Issuer
		if e.issuer == "" {
			e.issuer = at.Token
		}
		e.Provider = (&oidc.ProviderConfig{
			IssuerURL: at.Issuer, AuthURL: at.Auth, TokenURL: at.Token, UserInfoURL: at.UserInfo,
			JWKSURL: at.JWKS, Algorithms: at.Algorithms,
		}).NewProvider(ctx)
	}
	if p.cfg.ProviderURL != "" || p.cfg.Endpoint.JWKS != "" {
		e.verifier = e.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.now})
	}
	e.oauth = oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret.text, Scopes: p.cfg.Scopes,
		RedirectURL: p.cfg.RedirectURL, Endpoint: e.Endpoint(),
	}
	if p.cfg.ClientSecret.text == "" {
		style = oauth2.AuthStyleInParams
	}
	e.oauth.Endpoint.AuthStyle = style
	return e, nil
}

// authStyle chooses how we show our secret. A provider that says nothing takes
// it in a header.
func authStyle(methods []string) oauth2.AuthStyle {
	if len(methods) == 0 || slices.Contains(methods, "client_secret_basic") {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// oidcFault says what a provider did wrong, in few words: libraries put whole
// answers into their errors.
func oidcFault(doing string, err error) error {
	if answer := (*oauth2.RetrieveError)(nil); errors.As(err, &answer) {
		code := answer.ErrorCode
		if code == "" && answer.Response != nil {
			code = answer.Response.Status
		}
		return fmt.Errorf("%s: the provider refuses: %s", doing, clip(code))
	}
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return fmt.Errorf("%s: %w", doing, cause)
		}
	}
	return fmt.Errorf("%s: %s", doing, clip(err.Error()))
}

// clip makes a text of somebody else fit for a log.
func clip(text string) string {
	const most = 300
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
