package giturl

import (
	"errors"
	"fmt"
	"strings"
)

// CheckRef holds a branch or tag name against the rules of git
// check-ref-format --branch. A full name, refs/heads/x or refs/tags/x, passes.
func CheckRef(ref string) error {
	switch {
	case ref == "":
		return errors.New("is empty: name a branch or tag")
	case len(ref) > 1024:
		return errors.New("is longer than 1024 characters")
	case strings.HasPrefix(ref, "-"):
		return errors.New("begins with a dash, which git does not allow")
	case ref == "@" || ref == "HEAD":
		return fmt.Errorf("%q is no branch or tag: leave it empty for the remote's own HEAD", ref)
	case strings.Contains(ref, "@{"):
		return errors.New("contains '@{', which git does not allow")
	case strings.Contains(ref, ".."):
		return errors.New("contains '..', which git does not allow")
	case strings.HasSuffix(ref, "."):
		return errors.New("ends with a dot, which git does not allow")
	}
	for i := range len(ref) {
		if c := ref[i]; c <= ' ' || c == 0x7f || strings.IndexByte(`~^:?*[\`, c) >= 0 {
			return errors.New(`contains a space, a control character or one of ~^:?*[\, which git does not allow`)
		}
	}
	for part := range strings.SplitSeq(ref, "/") {
		switch {
		case part == "":
			return errors.New("begins or ends with a slash or has two in a row")
		case strings.HasPrefix(part, "."):
			return errors.New("has a part that begins with a dot, which git does not allow")
		case strings.HasSuffix(part, ".lock"):
			return errors.New("has a part that ends with .lock, which git does not allow")
		}
	}
	return nil
}

var commitPattern = pattern(`^[0-9a-fA-F]{4,64}$`)

// CheckCommit accepts a full or short hash.
func CheckCommit(hash string) error {
	if !commitPattern().MatchString(hash) {
		return errors.New("is no commit hash: give 4 to 64 hexadecimal digits")
	}
	return nil
}

// IsFullHash tells whether a checked hash has all its digits, SHA-1 or SHA-256.
func IsFullHash(hash string) bool { return len(hash) == 40 || len(hash) == 64 }

var pinPattern = pattern(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$`)

// CheckPin accepts names that are one plain part of a ref.
func CheckPin(pin string) error {
	if !pinPattern().MatchString(pin) {
		return fmt.Errorf("pin %q: use letters, digits, '-' and '_'", pin)
	}
	return nil
}
