package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/alexandervashurin/semaphore/crypto"
)

// Begin sends a browser to a provider (307). ReturnTo is the page to come back
// to, "/" unless it is a path of ours. Nothing is written with an error, which
// is [ErrNoProvider] or a fault of the provider.
func (o *OIDC) Begin(w http.ResponseWriter, r *http.Request, provider, returnTo string) error {
	p, err := o.provider(provider)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), o.timeout)
	defer cancel()
	e, err := p.endpoints(ctx)
	if err != nil {
		return err
	}
	state := oidcState{
		State: crypto.Token(24), Nonce: crypto.Token(24), Verifier: oauth2.GenerateVerifier(),
		Return: returnPath(returnTo), Until: o.s.cfg.Now().Add(oidcStateLife).Unix(),
	}
	value, err := o.s.sealState(p.id, state)
	if err != nil {
		return err
	}
	http.SetCookie(w, o.cookie(r, value, int(oidcStateLife.Seconds())))
	w.Header().Set("Cache-Control", "no-store")
	to := p.oauth(e, state).AuthCodeURL(state.State, oidc.Nonce(state.Nonce), oauth2.S256ChallengeOption(state.Verifier))
	http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	return nil
}

// oauth is the client of one sign-in.
func (p *oidcProvider) oauth(e *oidcEndpoints, state oidcState) *oauth2.Config {
	cfg := e.oauth
	if p.cfg.ReturnInPath && state.Return != "/" {
		if u, err := url.Parse(state.Return); err == nil {
			cfg.RedirectURL = strings.TrimRight(cfg.RedirectURL, "/") + u.EscapedPath()
		}
	}
	return &cfg
}

// Finish takes the answer of a provider and returns who signed in, for
// [Service.SignInExternal], and the page to go to, which is a path of ours. It
// sets no cookie but takes its own away.
//
// Errors are [ErrNoProvider], [ErrOIDCState], [ErrOIDCRefused], [ErrExternal] for an account that
// lacks what is needed, and faults of the provider. All of them may be logged.
func (o *OIDC) Finish(r *http.Request, w http.ResponseWriter, provider string) (External, string, error) {
	p, err := o.provider(provider)
	if err != nil {
		return External{}, "", err
	}
	query := r.URL.Query()
	state, err := o.takeState(w, r, p.id, query.Get("state"))
	if err != nil {
		return External{}, "", err
	}
	if refusal := query.Get("error"); refusal != "" {
		return External{}, "", fmt.Errorf("sign in by %s: %w: %s", p.id, ErrOIDCRefused, clip(refusal))
	}
	ctx, cancel := context.WithTimeout(r.Context(), o.timeout)
	defer cancel()
	ctx = oidc.ClientContext(ctx, p.http)
	e, err := p.endpoints(ctx)
	if err != nil {
		return External{}, "", err
	}
	// An answer of one provider that comes to the address of another (RFC 9207).
	if issuer := query.Get("iss"); issuer != "" && issuer != e.issuer {
		return External{}, "", fmt.Errorf("sign in by %s: the answer comes from %s", p.id, clip(issuer))
	}
	code := query.Get("code")
	if code == "" || len(code) > maxOIDCParam {
		return External{}, "", fmt.Errorf("sign in by %s: the provider sends no code", p.id)
	}
	token, err := p.oauth(e, state).Exchange(ctx, code, oauth2.VerifierOption(state.Verifier))
	if err != nil {
		return External{}, "", oidcFault("exchange the code of "+p.id, err)
	}
	ext, err := p.identify(ctx, e, token, state.Nonce)
	return ext, state.Return, err
}

// identify tells whose token it is.
func (p *oidcProvider) identify(ctx context.Context, e *oidcEndpoints, token *oauth2.Token, nonce string) (External, error) {
	if e.verifier == nil {
		claims, err := p.userInfo(ctx, e, token)
		if err != nil {
			return External{}, err
		}
		subject, _ := scalar(claims["sub"])
		if subject == "" {
			subject, _ = scalar(claims["id"])
		}
		return p.external(e.issuer, subject, claims, nil)
	}
	claims, subject, err := p.verify(ctx, e, token, nonce)
	if err != nil {
		return External{}, err
	}
	if !p.lacks(claims) || e.UserInfoEndpoint() == "" {
		return p.external(e.issuer, subject, claims, nil)
	}
	more, err := p.userInfo(ctx, e, token)
	if err != nil {
		return External{}, err
	}
	if more["sub"] != subject {
		return External{}, fmt.Errorf("user info of %s is of somebody else", p.id)
	}
	return p.external(e.issuer, subject, claims, more)
}

// verify checks the token of identity and returns its claims.
func (p *oidcProvider) verify(ctx context.Context, e *oidcEndpoints, token *oauth2.Token, nonce string) (map[string]any, string, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, "", fmt.Errorf("%s sends no id_token: add openid to its scopes", p.id)
	}
	id, err := e.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, "", oidcFault("verify the id_token of "+p.id, err)
	}
	if !crypto.Equal(id.Nonce, nonce) {
		return nil, "", fmt.Errorf("verify the id_token of %s: it belongs to another sign-in (nonce)", p.id)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, "", oidcFault("verify the access token of "+p.id, err)
		}
	}
	var text json.RawMessage
	if err := id.Claims(&text); err != nil {
		return nil, "", oidcFault("read the id_token of "+p.id, err)
	}
	claims, err := decodeClaims(text)
	if err != nil {
		return nil, "", oidcFault("read the id_token of "+p.id, err)
	}
	if len(id.Audience) > 1 && claims["azp"] != p.cfg.ClientID {
		return nil, "", fmt.Errorf("verify the id_token of %s: it was made for another client (azp)", p.id)
	}
	return claims, id.Subject, nil
}

// userInfo asks the provider about the owner of a token.
func (p *oidcProvider) userInfo(ctx context.Context, e *oidcEndpoints, token *oauth2.Token) (map[string]any, error) {
	info, err := e.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, oidcFault("ask for user info of "+p.id, err)
	}
	var text json.RawMessage
	if err := info.Claims(&text); err != nil {
		return nil, oidcFault("read user info of "+p.id, err)
	}
	claims, err := decodeClaims(text)
	if err != nil {
		return nil, oidcFault("read user info of "+p.id, err)
	}
	return claims, nil
}

// decodeClaims keeps numbers as they are written: ids are longer than floats.
func decodeClaims(text []byte) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil {
		return nil, err
	}
	if claims == nil {
		return nil, errors.New("no claims")
	}
	return claims, nil
}
