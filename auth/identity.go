package auth

import (
	"context"
	"net/netip"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// Client is where a request comes from.
type Client struct {
	IP        netip.Addr // of the client, behind trusted proxies; may be unset
	UserAgent string
}

// Identity is who asks.
type Identity struct {
	User     store.User      // without password and second factors
	Session  *store.Session  // of a cookie or a JSON web token
	Token    *store.APIToken // of an API token
	Scopes   []string        // what the token is for; empty: everything
	ByCookie bool            // a browser sent it by itself: ask where the request comes from
}

// Allows tells whether the token was made for that, see [TokenOptions].
func (id *Identity) Allows(scope string) bool {
	return len(id.Scopes) == 0 || slices.Contains(id.Scopes, scope)
}

// copied returns an identity that its holder may change.
func (id *Identity) copied() *Identity {
	c := *id
	if id.Session != nil {
		session := *id.Session
		c.Session = &session
	}
	if id.Token != nil {
		token := *id.Token
		token.Scopes = slices.Clone(token.Scopes)
		c.Token = &token
	}
	c.Scopes = slices.Clone(id.Scopes)
	return &c
}

// plain removes what no caller needs.
func plain(u store.User) store.User {
	u.Password, u.TOTP, u.EmailOTP = "", nil, nil
	return u
}

// SignedIn is the result of a sign-in.
type SignedIn struct {
	User    store.User // without password and second factors
	Session store.Session
	Cookie  string // for SetCookie
}

// Identity is who signed in. Its session may still need a second factor:
// Session.Verified tells.
func (in SignedIn) Identity() *Identity {
	session := in.Session
	return &Identity{User: plain(in.User), Session: &session, ByCookie: true}
}

type contextKey struct{}

// NewContext returns a context that carries who asks. Changes of a password or
// a second factor keep the session in it and end all others.
func NewContext(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// FromContext returns who asks, or nil. [Service.Guard] puts it there.
func FromContext(ctx context.Context) *Identity {
	id, _ := ctx.Value(contextKey{}).(*Identity)
	return id
}

// ownSession is the session of that user in ctx, or 0.
func ownSession(ctx context.Context, user int64) int64 {
	if id := FromContext(ctx); id != nil && id.Session != nil && id.User.ID == user {
		return id.Session.ID
	}
	return 0
}
