package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore/store/memory"
)

// fileStore is a whole backend. It works in memory and is written to its file
// when it is closed, so that it suits a tool that runs for a moment. Whatever
// wants every step on the disk takes store/sqlite.
type fileStore struct {
	*memory.Store
	path string
}

func openFile(path string, now func() time.Time) (*fileStore, error) {
	cfg := memory.Config{Now: now}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &fileStore{memory.New(cfg), path}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	s, err := memory.Load(f, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &fileStore{s, path}, nil
}

// Close writes the file anew and puts it in place of the old one.
func (s *fileStore) Close() error {
	f, err := os.CreateTemp(filepath.Dir(s.path), "store-*")
	if err != nil {
		return fmt.Errorf("write store: %w", err)
	}
	err = errors.Join(s.Save(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write store: %w", err), os.Remove(f.Name()))
	}
	return nil
}
