package crypto

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyFile reads a key from a file, and makes file and key where there is none:
// mode 0600, in a directory of mode 0700. A file that others may read is
// refused. Who loses the file loses what was sealed with its key.
func KeyFile(path string) (Key, error) {
	k, err := readKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Key{}, fmt.Errorf("make key file: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return Key{}, fmt.Errorf("make key file: %w", err)
	}
	defer os.Remove(temp.Name()) //nolint:errcheck // it has its final name then
	k = GenerateKey()
	_, err = temp.WriteString(k.Encode() + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return Key{}, fmt.Errorf("make key file: %w", err)
	}
	if err := os.Link(temp.Name(), path); err != nil { // never over another process's key
		if errors.Is(err, fs.ErrExist) {
			return readKeyFile(path)
		}
		return Key{}, fmt.Errorf("make key file: %w", err)
	}
	return k, nil
}

func readKeyFile(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("read key file: %w", err)
	}
	if loose(info.Mode()) {
		return Key{}, fmt.Errorf("key file %s may be read by others: chmod 600 it", filepath.Base(path))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("read key file: %w", err)
	}
	k, err := ParseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return Key{}, fmt.Errorf("key file %s: %w", filepath.Base(path), err)
	}
	return k, nil
}
