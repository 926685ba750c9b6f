package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alexandervashurin/semaphore/job"
)

// places are the directories that outlive a run.
type places struct {
	cache      string // runs, mirrors, caches
	data       string // states
	knownHosts string
}

func findPlaces(dir string) (places, error) {
	cache, data := dir, dir
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return places{}, usage("there is no home directory: give --data-dir")
		}
		cache = filepath.Join(envOr("XDG_CACHE_HOME", filepath.Join(home, ".cache")), "semaphore")
		data = filepath.Join(envOr("XDG_DATA_HOME", filepath.Join(home, ".local", "share")), "semaphore")
	}
	for _, d := range []string{cache, data} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return places{}, usage("make data directory: %v: give another --data-dir", err)
		}
	}
	return places{cache: cache, data: data, knownHosts: filepath.Join(data, "known_hosts")}, nil
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); filepath.IsAbs(v) {
		return v
	}
	return otherwise
}

// hostKeySink remembers host keys that were met for the first time.
type hostKeySink struct {
	view
	file string
}

// HostKey appends the key to the file.
func (s *hostKeySink) HostKey(ctx context.Context, k job.HostKey) error {
	f, err := os.OpenFile(s.file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("remember host key: %w", err)
	}
	_, err = fmt.Fprintln(f, k.Line())
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("remember host key: %w", err)
	}
	return s.view.HostKey(ctx, k)
}

// readKnownHosts reads the keys that earlier runs learned.
func readKnownHosts(file string) []job.HostKey {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var keys []job.HostKey
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 {
			keys = append(keys, job.HostKey{Host: fields[0], Key: fields[1] + " " + fields[2]})
		}
	}
	return keys
}
