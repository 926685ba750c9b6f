// Command customstore shows how to bring a store of your own: a whole one, which
// lives in a file, and one table of it, whose secrets live somewhere else.
//
//	go run ./examples/customstore DIR
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// open puts the two together.
func open(dir string, now func() time.Time) (store.Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	file, err := openFile(filepath.Join(dir, "store"), now)
	if err != nil {
		return nil, err
	}
	v, err := openVault(filepath.Join(dir, "vault.json"))
	if err != nil {
		return nil, err
	}
	return vaultStore{Store: file, vault: v}, nil
}

// run adds a project with a key, and counts both.
func run(ctx context.Context, dir string, out io.Writer) error {
	s, err := open(dir, time.Now)
	if err != nil {
		return err
	}
	err = s.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		p, err := tx.Projects().Create(ctx, store.Project{Name: "demo"})
		if err != nil {
			return err
		}
		secret := "sealed by crypto.Ring"
		_, err = tx.Keys().Create(ctx, store.AccessKey{ProjectID: p.ID, Name: "deploy", Type: store.KeyString, Secret: &secret})
		return err
	})
	if err != nil {
		return err
	}
	projects, err := s.Projects().Count(ctx, 0, store.Query{})
	if err != nil {
		return err
	}
	keys, err := s.Keys().List(ctx, store.AnyScope, store.Query{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d projects, %d keys, the last one %s\n", projects, len(keys.Items), *keys.Items[len(keys.Items)-1].Secret)
	if err != nil {
		return err
	}
	return s.Close()
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: customstore DIR")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
