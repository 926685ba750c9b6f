package executor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// OwnDir makes a directory for this account alone, in a place that others may
// write too, or makes sure that it is one.
func OwnDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("directory of links: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("directory of links: %w", err)
	}
	if !info.IsDir() || !ours(info) {
		return fmt.Errorf("directory of links: %s belongs to somebody else: remove it", dir)
	}
	return nil
}
