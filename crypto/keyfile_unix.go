//go:build unix

package crypto

import "io/fs"

// loose tells whether anybody but the owner may use a file.
func loose(mode fs.FileMode) bool { return mode.Perm()&0o077 != 0 }
