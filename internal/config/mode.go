package config

import (
	"os"
	"runtime"
	"slices"
)

// noteMode remembers a file with secrets that others may read. Windows has
// lists of rights in place of modes, which are left to the administrator.
func (s *state) noteMode(name string) {
	if runtime.GOOS == "windows" || name == "" || slices.Contains(s.loose, name) {
		return
	}
	info, err := os.Stat(name)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		s.loose = append(s.loose, name)
	}
}

// checkModes warns of such files, or refuses them.
func (s *state) checkModes(strict bool) {
	for _, name := range s.loose {
		if strict {
			s.wrong("%s holds secrets and may be read by others: chmod 600 it, or switch strict_permissions off", name)
			continue
		}
		s.warn("%s holds secrets and may be read by others: chmod 600 it", name)
	}
}
