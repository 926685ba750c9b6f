package store

import "time"

// User is an account.
type User struct {
	ID       int64     `json:"id" db:"id"`
	Created  time.Time `json:"created" db:"created"`
	Username string    `json:"username" db:"username"` // unique
	Name     string    `json:"name" db:"name"`
	Email    string    `json:"email" db:"email"` // unique
	Admin    bool      `json:"admin" db:"admin"`
	External bool      `json:"external" db:"external"` // signs in by LDAP or OIDC
	Alert    bool      `json:"alert" db:"alert"`       // wants e-mail about failures
	Pro      bool      `json:"pro" db:"pro"`
	Password string    `json:"-" db:"password"` // bcrypt hash

	TOTP     *TOTP     `json:"totp,omitempty" db:"-"`
	EmailOTP *EmailOTP `json:"email_otp,omitempty" db:"-"`
}

// Session is a signed-in browser.
type Session struct {
	ID                 int64              `json:"id" db:"id"`
	UserID             int64              `json:"user_id" db:"user_id"`
	Created            time.Time          `json:"created" db:"created"`
	LastActive         time.Time          `json:"last_active" db:"last_active"`
	IP                 string             `json:"ip" db:"ip"`
	UserAgent          string             `json:"user_agent" db:"user_agent"`
	Expired            bool               `json:"expired" db:"expired"`
	VerificationMethod VerificationMethod `json:"verification_method" db:"verification_method"`
	Verified           bool               `json:"verified" db:"verified"`
	Secret             string             `json:"-" db:"secret"` // hash of what the cookie proves itself with
}

// VerificationMethod is the second factor that a session asks for.
type VerificationMethod int

// The methods.
const (
	VerifyNone  VerificationMethod = 0
	VerifyTOTP  VerificationMethod = 1
	VerifyEmail VerificationMethod = 2
)

// APIToken lets a program act for a user. The token itself is shown once, when
// it is made.
type APIToken struct {
	ID      int64      `json:"-" db:"id"`
	UserID  int64      `json:"user_id" db:"user_id"`
	Created time.Time  `json:"created" db:"created"`
	Expired bool       `json:"expired" db:"expired"`
	Prefix  string     `json:"id" db:"prefix"`     // first 8 characters
	Hash    string     `json:"-" db:"hash"`        // unique
	Name    string     `json:"name" db:"name"`     // for people
	Scopes  []string   `json:"scopes" db:"scopes"` // empty: all
	Expires *time.Time `json:"expires,omitempty" db:"expires"`
}

// TOTP is a second factor by time-based codes.
type TOTP struct {
	ID           int64     `json:"id" db:"id"`
	Created      time.Time `json:"created" db:"created"`
	UserID       int64     `json:"user_id" db:"user_id"` // unique
	URL          string    `json:"url" db:"url"`         // sealed
	RecoveryHash string    `json:"-" db:"recovery_hash"`
	RecoveryCode string    `json:"recovery_code,omitempty" db:"-"` // shown once
	Active       bool      `json:"active" db:"active"`
	LastStep     int64     `json:"-" db:"last_step"` // last time step that was accepted
}

// EmailOTP is a one-time code sent by e-mail.
type EmailOTP struct {
	ID      int64     `json:"id" db:"id"`
	Created time.Time `json:"created" db:"created"`
	UserID  int64     `json:"user_id" db:"user_id"`
	Code    string    `json:"-" db:"code"` // hash
	Tries   int       `json:"-" db:"tries"`
}
