package auth

import (
	"context"
)

// Directory knows accounts and their passwords, as LDAP does.
type Directory interface {
	// SignIn returns the account of a login and its password, and nil without an
	// error where it knows no such login: then our own accounts are tried. They
	// are tried after an error too, which is logged. It is called by several
	// goroutines and gives up by itself after some seconds. The login is in lower
	// case and, like the password, never empty.
	SignIn(ctx context.Context, login, password string) (*External, error)
}

// External is an account as an identity provider tells of it.
type External struct {
	Source  string // name of the provider, for people and logs
	Issuer  string // with Subject: who it is, for ever; both empty if the provider has no such thing
	Subject string

	Username string
	Name     string
	Email    string
	// EmailVerified is what the provider says about the address. An address that
	// is not verified is refused; nil trusts it.
	EmailVerified *bool
	Groups        []string

	// TrustUsername lets the name alone find the account. Leave it off where
	// people choose their names at the provider.
	TrustUsername bool
}

// Grants are rights that an identity provider gives. What they do not name
// stays as it is.
type Grants struct {
	Admin    *bool            // nil leaves it
	Projects map[int64]string // role by project; "" takes the membership away
}

// SignInExternal finds or makes the account of somebody whom an identity
// provider has signed in, and opens a session. Errors are [ErrExternal] and
// those of the store.
//
// An account is found by issuer and subject, else by address, which binds it to
// them. A local account is never given away: it is ErrExternal.
func (s *Service) SignInExternal(ctx context.Context, c Client, ext External) (SignedIn, error) {
	return s.signInExternal(ctx, c, ext, byProvider)
}
