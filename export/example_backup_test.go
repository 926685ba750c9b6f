package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// shop is a store with a user and a project.
func shop(ctx context.Context, ring *crypto.Ring) (st store.Store, owner, project int64) {
	st = memory.New(memory.Config{})
	u, _ := st.Users().Create(ctx, store.User{Username: "ann", Email: "ann@example.org"})
	p, _ := st.Projects().Create(ctx, store.Project{Name: "Shop"})
	k, _ := st.Keys().Create(ctx, store.AccessKey{ProjectID: p.ID, Name: "deploy", Type: store.KeyString})
	sealed, _ := ring.Seal([]byte("hunter2"), crypto.AD{Table: "access_key", ProjectID: p.ID, ID: k.ID, Field: "secret"})
	k.Secret = &sealed
	if err := st.Keys().Update(ctx, k); err != nil {
		panic(err)
	}
	return st, u.ID, p.ID
}

// A project goes out as a file and comes back under another name.
func ExampleProject() {
	ctx := context.Background()
	ring, _ := crypto.NewRing(crypto.GenerateKey())
	st, owner, project := shop(ctx, ring)

	b, err := export.Project(ctx, st, project, export.ProjectOptions{})
	if err != nil {
		panic(err)
	}
	var file bytes.Buffer
	if err := b.Encode(&file); err != nil {
		panic(err)
	}

	var read export.Backup
	if err := read.Decode(&file, "shop.json"); err != nil {
		panic(err)
	}
	report, err := export.Restore(ctx, st, &read, export.RestoreOptions{Owner: owner, Name: "Shop again"})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Project.Name)
	fmt.Println(report)
	// Output:
	// Shop again
	// key "deploy" of type string has no value: fill it in
}

// What is wrong with a file is named, before anything is written.
func ExampleCheck() {
	var b export.Backup
	err := b.Decode(strings.NewReader(`{"meta":{"name":"Shop"},"repositories":[{"name":"code","git_url":"https://git.example.org/code.git","git_branch":"main","ssh_key":"deploy"}]}`), "shop.json")
	if err != nil {
		panic(err)
	}
	err = export.Check(&b)
	fmt.Println(err)
	var bad *export.BackupError
	fmt.Println(errors.As(err, &bad), bad.Object, bad.Field)
	// Output:
	// backup shop.json: repository "code": ssh_key: there is no key "deploy" in the file: add it, or name another one
	// true repository "code" ssh_key
}

// An encrypted backup brings secrets along. Only the secret key opens it.
func ExampleBackup_Encrypt() {
	ctx := context.Background()
	ring, _ := crypto.NewRing(crypto.GenerateKey())
	st, owner, project := shop(ctx, ring)
	identity, recipient, err := export.NewBackupIdentity()
	if err != nil {
		panic(err)
	}

	b, err := export.Project(ctx, st, project, export.ProjectOptions{Secrets: ring})
	if err != nil {
		panic(err)
	}
	fmt.Println(b.Encode(&bytes.Buffer{}))
	var file bytes.Buffer
	if err := b.Encrypt(&file, export.BackupLock{Recipient: recipient}); err != nil {
		panic(err)
	}
	fmt.Println(strings.Contains(file.String(), "hunter2"))

	var read export.Backup
	if err := read.Decrypt(&file, "shop.sealed", export.BackupOpener{Identity: identity}); err != nil {
		panic(err)
	}
	report, err := export.Restore(ctx, st, &read, export.RestoreOptions{Owner: owner, Name: "Shop again", Ring: ring})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(report.Keys), "keys without a value")
	// Output:
	// the backup holds secrets: encrypt it
	// false
	// 0 keys without a value
}
