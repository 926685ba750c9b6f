package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// signaturePrefix stands in front of signatures that name their hash.
const signaturePrefix = "sha256="

// needsSecret tells whether a method compares with a secret.
func needsSecret(method string) bool { return method != MethodNone && method != "none" }

// Authenticate tells whether the sender of a request proves that it knows the
// integration's secret, the content of the key it names:
//
//   - github: X-Hub-Signature-256, sha256= and the HMAC-SHA256 of the body in
//     hex, keyed with the password;
//   - bitbucket: the same in X-Hub-Signature;
//   - hmac: the same in the header that AuthHeader names, with or without
//     sha256= in front;
//   - token: the header that AuthHeader names is the password;
//   - basic: HTTP basic authentication with login and password;
//   - none, or empty: everybody is let in.
//
// Secrets are compared in constant time. Errors are [ErrDenied],
// [ErrNoSecret] where a method lacks its secret or the secret is empty, and
// [ErrMethod].
func Authenticate(i store.Integration, secret store.LoginPassword, r Request) error {
	if !needsSecret(i.AuthMethod) {
		return nil
	}
	var proven bool
	switch i.AuthMethod {
	case MethodGitHub, MethodBitbucket, MethodBasic:
	case MethodHMAC, MethodToken:
		if i.AuthHeader == "" {
			return fmt.Errorf("%w: method %s needs the name of a header", ErrMethod, i.AuthMethod)
		}
	default:
		return fmt.Errorf("%w: its method %q is unknown", ErrMethod, i.AuthMethod)
	}
	if secret.Password == "" {
		return ErrNoSecret
	}
	switch i.AuthMethod {
	case MethodGitHub:
		proven = signed(r, "X-Hub-Signature-256", secret.Password, true)
	case MethodBitbucket:
		proven = signed(r, "X-Hub-Signature", secret.Password, true)
	case MethodHMAC:
		proven = signed(r, i.AuthHeader, secret.Password, false)
	case MethodToken:
		proven = crypto.Equal(r.Header.Get(i.AuthHeader), secret.Password)
	case MethodBasic:
		proven = basic(r, secret)
	}
	if !proven {
		return ErrDenied
	}
	return nil
}

// signed tells whether a header holds the body's signature.
func signed(r Request, header, key string, prefixed bool) bool {
	text, found := strings.CutPrefix(strings.TrimSpace(r.Header.Get(header)), signaturePrefix)
	if prefixed && !found {
		return false
	}
	given, err := hex.DecodeString(text)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(r.Body)
	return hmac.Equal(given, mac.Sum(nil))
}

// basic compares both halves, whatever the first one says, so that the time
// does not tell which is wrong.
func basic(r Request, secret store.LoginPassword) bool {
	login, password, ok := (&http.Request{Header: r.Header}).BasicAuth()
	sameLogin := crypto.Equal(login, secret.Login)
	samePassword := crypto.Equal(password, secret.Password)
	return ok && sameLogin && samePassword
}
