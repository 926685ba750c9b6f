package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/cmd/internal/executor"
)

// shortPath is how long a directory may be for a socket of a run below it: the
// system takes 107 bytes, of which ssh wants most.
const shortPath = 40

// linkDir makes the directory of the short links to run directories. It is this
// server's own, for a task has the same number on another server of the
// machine; and the same after a restart, for a Terraform plan remembers it.
func linkDir(work string) (string, error) {
	work, err := filepath.Abs(work)
	if err != nil {
		return "", fmt.Errorf("directory of links: %w", err)
	}
	dir := filepath.Join(work, "link")
	if len(dir) <= shortPath {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", fmt.Errorf("directory of links: %w", err)
		}
		return dir, nil
	}
	sum := sha256.Sum256([]byte(work))
	dir = filepath.Join(os.TempDir(), "semaphore-"+hex.EncodeToString(sum[:6]))
	if err := executor.OwnDir(dir); err != nil {
		return "", fmt.Errorf("%w, or set tmp_path to a path of up to %d bytes", err, shortPath-len("/link"))
	}
	return dir, nil
}
