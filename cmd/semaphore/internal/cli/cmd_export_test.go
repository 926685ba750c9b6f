package cli

import "golang.org/x/crypto/bcrypt"

// For tests.
var (
	VersionOf = versionOf
	DrawQR    = drawQR
)

// Hasty returns streams whose commands hash passwords at the least cost.
func (s Streams) Hasty() Streams {
	s.hashCost = bcrypt.MinCost
	return s
}
