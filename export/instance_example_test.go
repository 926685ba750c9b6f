package export_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func ExampleWriteInstance() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "semaphore-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	from, err := sqlite.Open(ctx, filepath.Join(dir, "from.db"), sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer from.Close()
	if _, err := from.Projects().Create(ctx, store.Project{Name: "Shop"}); err != nil {
		fmt.Println(err)
		return
	}
	var archive bytes.Buffer // or a file
	if _, err := export.WriteInstance(ctx, from, &archive, export.InstanceOptions{NoLogs: true}); err != nil {
		fmt.Println(err)
		return
	}
	to, err := sqlite.Open(ctx, filepath.Join(dir, "to.db"), sqlite.Config{}) // or postgres.Open
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := export.ReadInstance(ctx, to, &archive, export.ReadInstanceOptions{})
	fmt.Println(report.Tables["project"], report.Without, err)
	fmt.Println(to.Close()) // what was read is there when it is opened again
	// Output:
	// 1 [logs] <nil>
	// <nil>
}

func ExampleCheckInstance() {
	_, err := export.CheckInstance(context.Background(), bytes.NewReader([]byte("something")), nil)
	fmt.Println(err)
	// Output: check archive: this is no archive of an instance: semaphore export makes one
}
