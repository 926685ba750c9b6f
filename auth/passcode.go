package auth

import (
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/alexandervashurin/semaphore/crypto"
)

const (
	codeSkew  = 1 // time steps that a clock may be off, each way
	maxPeriod = 24 * 60 * 60
)

// acceptCode returns the time step of a code, the oldest one that is later than
// last. Codes of last and before have been used.
func acceptCode(key *otp.Key, typed string, now time.Time, last int64) (step int64, ok bool) {
	code := strings.NewReplacer(" ", "", "-", "").Replace(typed)
	digits := key.Digits()
	period := int64(key.Period())
	if len(code) != digits.Length() || period <= 0 || period > maxPeriod {
		return 0, false
	}
	current := now.Unix() / period
	for step := current - codeSkew; step <= current+codeSkew; step++ {
		if step < 0 {
			continue
		}
		want, err := hotp.GenerateCodeCustom(key.Secret(), uint64(step), hotp.ValidateOpts{Digits: digits, Algorithm: key.Algorithm(), Encoder: key.Encoder()})
		if err != nil {
			return 0, false
		}
		if crypto.Equal(want, code) && step > last {
			return step, true
		}
	}
	return 0, false
}
