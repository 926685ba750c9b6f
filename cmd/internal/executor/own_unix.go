//go:build unix

package executor

import (
	"io/fs"
	"os"
	"syscall"
)

// ours tells whether a file belongs to this account, and others may not write
// to it.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid() && info.Mode().Perm()&0o022 == 0
}
