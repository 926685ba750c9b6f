package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// enrollTokenPurpose is what tokens of runners are derived for.
const enrollTokenPurpose = "runner token"

// enrollAgain is how long a registration whose answer was lost is answered the
// same at least, and twice that at most.
const enrollAgain = 10 * time.Minute

// nonceLeast is the fewest characters of a nonce: about 100 bits at random.
const nonceLeast = 20

// runnerTokens are the tokens that a registration may be answered with: the first
// one now, any of them if a runner has it already.
//
// A token is derived from all that the runner says of itself, from a secret of
// the installation, and from the time. So whoever repeats the call is answered
// the same, by every server and without anything being kept; who lacks the nonce
// or comes with another key gets nothing of it; and later the same call has
// another token, which nobody has.
func (c *call) runnerTokens(in registrationInput) ([]string, error) {
	if in.Nonce == "" {
		return []string{crypto.Token(33)}, nil
	}
	if len(in.Nonce) < nonceLeast || !isName(in.Nonce) {
		return nil, invalid("nonce", "is %d to 64 letters and digits at random", nonceLeast)
	}
	period := c.s.cfg.Now().Unix() / int64(enrollAgain/time.Second)
	var tokens []string
	for _, k := range c.s.cfg.Ring.Derive(enrollTokenPurpose) {
		for _, p := range []int64{period, period - 1, period + 1} { // another server's clock may be ahead
			mac := hmac.New(sha256.New, k.Secret)
			fmt.Fprintf(mac, "%d %q %q %q", p, in.RegistrationToken, in.PublicKey, in.Nonce)
			tokens = append(tokens, base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
		}
	}
	return tokens, nil
}

// registered finds the token that a runner was given which has not been heard of
// since: its answer may have been lost. Once it has called it has its token, and
// whoever asks is answered with wrong. It is "" where no runner has any of them.
func (c *call) registered(tokens []string, wrong error) (string, error) {
	for _, token := range tokens {
		page, err := c.s.st.Runners().List(c.ctx(), store.AnyScope, store.Query{Where: map[string]any{"token_hash": crypto.HashToken(token)}, Limit: 1})
		switch {
		case err != nil:
			return "", err
		case len(page.Items) == 0:
		case page.Items[0].EnrollBefore != nil || page.Items[0].Touched != nil:
			return "", wrong
		default:
			return token, nil
		}
	}
	return "", nil
}
