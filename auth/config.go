package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// Config says how people sign in.
type Config struct {
	// Ring seals the secrets of second factors and signs JSON web tokens.
	// Required.
	Ring *crypto.Ring
	// Directory knows accounts that are not ours, as LDAP does. Defaults to none.
	Directory Directory

	// MinPassword is how many characters a new password needs. Defaults to 1.
	MinPassword int
	// BcryptCost is the cost of password hashes, from 4 to 31. A hash of a lower
	// cost is renewed when its owner signs in. Defaults to 11.
	BcryptCost int
	// PasswordLoginDisabled keeps local accounts from signing in by password; the
	// Directory's still can. Defaults to false.
	PasswordLoginDisabled bool

	// TOTP allows second factors by time-based codes. While it is off, those who
	// have one sign in without. Defaults to off.
	TOTP bool
	// TOTPIssuer is the name in people's apps. Defaults to "Semaphore".
	TOTPIssuer string
	// AllowRecovery gives a code with each new second factor that removes it.
	// Defaults to false.
	AllowRecovery bool
	// EmailOTP asks everybody who signs in by password and has no second factor
	// for a code that SendCode has sent. Defaults to off.
	EmailOTP bool
	// SendCode sends a one-time code to the user's address. It is to return soon:
	// put the mail into an outbox. Required with EmailOTP.
	SendCode func(ctx context.Context, user store.User, code string) error

	// SessionIdle ends a session that was not used for so long. Defaults to 7 days.
	SessionIdle time.Duration
	// SessionMax ends every session. Defaults to 30 days.
	SessionMax time.Duration
	// AccessTTL is the life of an access token. Defaults to 15 minutes.
	AccessTTL time.Duration
	// RefreshTTL is the life of a refresh token. Defaults to 30 days.
	RefreshTTL time.Duration
	// Issuer is the issuer of JSON web tokens. Defaults to "semaphore".
	Issuer string

	// CookiePath is the path of the cookie. Defaults to "/".
	CookiePath string
	// SecureCookie marks the cookie Secure also where TLS ends before us. Defaults
	// to false; the cookie of a request that came by TLS is Secure in any case.
	SecureCookie bool

	// CacheFor is how long an identity is trusted without asking the store, less
	// than 0 for not at all. Defaults to 2 s; a minute at most.
	CacheFor time.Duration
	// ProviderRoles maps what an identity provider says to rights, at each
	// sign-in. Defaults to nil: the provider gives no rights.
	ProviderRoles func(ctx context.Context, ext External) (Grants, error)

	// Log gets what goes wrong without failing anything. Defaults to none.
	Log *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

const (
	maxCache   = time.Minute
	jwtPurpose = "auth jwt v1"
)

// Service signs in and authenticates. It is safe for concurrent use and starts
// no goroutines. Make it with [New].
type Service struct {
	st    store.Store
	cfg   Config
	cache *cache

	logins  *limiter      // of accounts and networks
	codes   *limiter      // of second factors
	hashing chan struct{} // bcrypt may not take all processors for long
	dummy   []byte        // what unknown users' passwords are compared with
}

// New returns a service for the accounts of st.
func New(st store.Store, cfg Config) (*Service, error) {
	if st == nil {
		return nil, errors.New("auth needs a store: give one to New")
	}
	if cfg.Ring == nil {
		return nil, errors.New("auth needs a key ring: set Config.Ring")
	}
	if cfg.EmailOTP && cfg.SendCode == nil {
		return nil, errors.New("codes by e-mail need somebody who sends them: set Config.SendCode")
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return &Service{
		st: st, cfg: cfg, dummy: nobodysHash(cfg.BcryptCost),
		cache:   newCache(max(cfg.CacheFor, 0), cfg.Now),
		logins:  newLimiter(cfg.Now),
		codes:   newLimiter(cfg.Now),
		hashing: make(chan struct{}, max(1, runtime.GOMAXPROCS(0))),
	}, nil
}

// complete sets the defaults.
func (c *Config) complete() error {
	orDefault(&c.MinPassword, 1)
	orDefault(&c.BcryptCost, 11)
	if c.BcryptCost < bcrypt.MinCost || c.BcryptCost > bcrypt.MaxCost {
		return fmt.Errorf("bcrypt cost is %d: choose one from %d to %d", c.BcryptCost, bcrypt.MinCost, bcrypt.MaxCost)
	}
	if c.MinPassword < 0 || c.MinPassword > maxPassword {
		return fmt.Errorf("minimum password length is %d: choose one from 1 to %d", c.MinPassword, maxPassword)
	}
	orDefault(&c.TOTPIssuer, "Semaphore")
	orDefault(&c.SessionIdle, 7*24*time.Hour)
	orDefault(&c.SessionMax, 30*24*time.Hour)
	orDefault(&c.AccessTTL, 15*time.Minute)
	orDefault(&c.RefreshTTL, 30*24*time.Hour)
	for _, d := range []time.Duration{c.SessionIdle, c.SessionMax, c.AccessTTL, c.RefreshTTL} {
		if d < 0 {
			return fmt.Errorf("a session limit is %v: choose one above 0", d)
		}
	}
	orDefault(&c.Issuer, "semaphore")
	orDefault(&c.CookiePath, "/")
	orDefault(&c.CacheFor, 2*time.Second)
	if c.CacheFor > maxCache {
		return fmt.Errorf("identities are trusted for %v: choose %v or less", c.CacheFor, maxCache)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// now is the time as stores keep it: in milliseconds, UTC.
func (s *Service) now() time.Time { return time.UnixMilli(s.cfg.Now().UnixMilli()).UTC() }
