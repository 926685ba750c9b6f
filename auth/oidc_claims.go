package auth

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
)

const maxSubject = 255 // bytes, as the standard has it

// lacks tells whether something that we need is not among the claims.
func (p *oidcProvider) lacks(claims map[string]any) bool {
	return p.email.Text(claims) == "" || p.username.Text(claims) == "" || p.name.Text(claims) == "" ||
		p.cfg.ReadGroups && len(p.groups.List(claims)) == 0
}

// external makes claims an account. What the token says goes before what user
// info says.
func (p *oidcProvider) external(issuer, subject string, claims, more map[string]any) (External, error) {
	if len(subject) > maxSubject || !acceptable(subject) {
		return External{}, fmt.Errorf("%w: %s tells no subject of 1 to %d bytes", ErrExternal, p.id, maxSubject)
	}
	all := maps.Clone(more)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, claims)
	ext := External{
		Source: SourceOIDC(p.id), Issuer: issuer, Subject: subject,
		Username: p.username.Text(all), Name: p.name.Text(all), Groups: p.groups.List(all),
	}
	// The word about an address counts from where the address comes, if there is one.
	from := claims
	if ext.Email = p.email.Text(claims); ext.Email == "" {
		from, ext.Email = all, p.email.Text(all)
		if more["email_verified"] != nil {
			from = more
		}
	}
	if ext.Email == "" {
		return External{}, fmt.Errorf("%w: %s tells no address: ask for the scope of the claim %s, or choose another", ErrExternal, p.id, p.email)
	}
	ext.EmailVerified = p.verified(ext.Email, from)
	if p.cfg.ReadGroups && len(ext.Groups) == 0 && p.groupsElsewhere(all) {
		return External{}, fmt.Errorf("%w: %s does not send so many groups (_claim_names): let it send those that matter", ErrExternal, p.id)
	}
	if ext.Name == "" {
		ext.Name = "Anonymous"
	}
	if ext.Username == "" {
		ext.Username = randomName()
	}
	return ext, nil
}

// verified is what the policy makes of what the provider says about an address;
// nil trusts it.
func (p *oidcProvider) verified(address string, claims map[string]any) *bool {
	said, _ := scalar(claims["email_verified"])
	yes, no := said == "true", false
	switch p.cfg.EmailVerified {
	case EmailIgnore:
		return nil
	case EmailRequire:
		// It speaks of the claim email, whatever claim the address is from.
		if about, _ := scalar(claims["email"]); about != address {
			return &no
		}
		return &yes
	}
	if said == "" {
		return nil
	}
	return &yes
}

// groupsElsewhere tells that somebody is in more groups than fit into a token.
func (p *oidcProvider) groupsElsewhere(claims map[string]any) bool {
	names, _ := claims["_claim_names"].(map[string]any)
	for _, name := range p.groups.names() {
		if names[name] != nil {
			return true
		}
	}
	return false
}

// randomName is that of an account whose provider tells none.
func randomName() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
