package auth

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Errors that callers branch on.
var (
	// ErrUnauthenticated tells that a request brings nothing that is valid.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrCredentials is the one answer to every login that fails.
	ErrCredentials = errors.New("wrong login or password")
	// ErrCode tells that a passcode is wrong, used already or out of date.
	ErrCode = errors.New("INVALID_PASSCODE")
	// ErrRecoveryCode tells that a recovery code is wrong.
	ErrRecoveryCode = errors.New("INVALID_RECOVERY_CODE")
	// ErrTOTPDisabled tells that the configuration does not allow it.
	ErrTOTPDisabled = errors.New("TOTP_DISABLED")
	// ErrNoTOTP tells that the user has no second factor.
	ErrNoTOTP = errors.New("no second factor is set up")
	// ErrTOTPActive tells that the second factor is in use: it has to be disabled
	// before there can be another one.
	ErrTOTPActive = errors.New("a second factor is active already: disable it first")
	// ErrNothingToVerify tells that the session needs no code.
	ErrNothingToVerify = errors.New("nothing to verify")
	// ErrShownOnce tells that the secret of an active second factor is not shown.
	ErrShownOnce = errors.New("the secret is shown only until the second factor is active: set up a new one")
	// ErrPasswordShort is what a [PasswordLengthError] for a short one is.
	ErrPasswordShort = errors.New("the password is too short")
	// ErrPasswordLong tells that bcrypt would ignore the end of a password.
	ErrPasswordLong = errors.New("the password has more than 72 bytes: choose a shorter one")
	// ErrExternal tells that an account of an identity provider cannot be used
	// here: a local account has its name or address, or it is bound to somebody
	// else, or the address is not verified.
	ErrExternal = errors.New("the account of the identity provider cannot be used here")
	// ErrNoSession tells that an API token was used where a session is needed.
	ErrNoSession = errors.New("an API token cannot do that: sign in")
)

// PendingError tells that the second factor of a session is missing.
type PendingError struct {
	Identity *Identity // who it would be; for Verify, Recover and SignOut only
	Code     string    // TOTP_REQUIRED, EMAIL_OTP_REQUIRED or SESSION_NOT_VERIFIED
}

// Error returns the code, which clients know.
func (e *PendingError) Error() string { return e.Code }

// LimitError tells that there were too many failed tries.
type LimitError struct{ RetryAfter time.Duration }

// Error tells when to come back.
func (e *LimitError) Error() string {
	return "too many failed tries: try again in " + strconv.Itoa(e.Seconds()) + " s"
}

// Seconds is the value of a Retry-After header: whole seconds, at least 1.
func (e *LimitError) Seconds() int {
	return max(1, int(math.Ceil(e.RetryAfter.Seconds())))
}

// PasswordLengthError tells how long a password has to be. It is an
// [ErrPasswordShort].
type PasswordLengthError struct{ Min int }

// Error names the minimum.
func (e *PasswordLengthError) Error() string {
	return fmt.Sprintf("the password needs at least %d characters", e.Min)
}

// Is makes it an ErrPasswordShort.
func (e *PasswordLengthError) Is(target error) bool { return target == ErrPasswordShort }
