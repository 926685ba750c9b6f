// Package hook is the logic of incoming webhooks, free of HTTP routing: who
// sent a request, whether an integration wants it, which values it brings, and
// whether it came before.
//
// A handler reads the body, at most [MaxBody] bytes, and calls [Authenticate] for
// each integration behind the address. With those that let the sender in it
// calls [Deliveries.Do], which remembers deliveries and keeps their log; inside,
// [MatchAll] chooses among integrations of a shared address, and [Extract] and
// [Merge] make the request for the pool.
package hook

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/alexandervashurin/semaphore/job"
)

// Limits of what a request may bring.
const (
	MaxBody       = 1 << 20 // bytes of a body; a handler answers 413 beyond
	MaxDepth      = 64      // of nested JSON, and of a path into it
	maxExtracted  = 2 << 20 // bytes of all values that one request fills in
	maxExtractors = 200     // values that one request fills in
	maxKey        = 1024    // bytes of a header's name or of a path
	maxName       = 255     // bytes of a variable's name
)

// Methods by which a sender proves who it is, the values of
// store.Integration.AuthMethod. MethodNone asks for nothing; rows may say
// "none" for it too.
const (
	MethodNone      = ""
	MethodGitHub    = "github"
	MethodBitbucket = "bitbucket"
	MethodHMAC      = "hmac"
	MethodToken     = "token"
	MethodBasic     = "basic"
)

var (
	// ErrDenied tells that the request does not prove that it knows the secret.
	ErrDenied = errors.New("signature or credentials are missing or wrong")
	// ErrNoSecret tells that the integration's method needs a secret that it
	// lacks. Nobody is let in then.
	ErrNoSecret = errors.New("the integration has no secret: choose a login_password key with a password")
	// ErrMethod tells that the integration's settings name no way to
	// authenticate.
	ErrMethod = errors.New("the integration cannot authenticate anybody")
	// ErrBody tells that the body is no JSON that can be read in one way only.
	ErrBody = errors.New("the body is not usable JSON")
	// ErrTooMuch tells that the values of a request exceed the limits.
	ErrTooMuch = errors.New("the request brings too much")
)

// Request is a webhook's request. Nothing here changes it.
type Request struct {
	Method string
	Header http.Header
	Body   []byte
}

// refuse makes an error that names a field of the wire and the cure.
func refuse(field, format string, args ...any) error {
	return &job.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}
