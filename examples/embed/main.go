// Command embed is a program with a task pool of its own, kept in one file: it
// runs a script of a git repository and prints its lines.
//
//	go run ./examples/embed URL BRANCH SCRIPT
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func main() {
	job.Init() // lets this program supervise the trees of its tasks
	ctx, dir := context.Background(), filepath.Join(os.TempDir(), "semaphore-embed")
	key := must(crypto.KeyFile(filepath.Join(dir, "key")))
	db := must(sqlite.Open(ctx, filepath.Join(dir, "semaphore.db"), sqlite.Config{}))
	app := must(semaphore.New(semaphore.Config{Store: db, Key: key, Dir: dir, Local: job.LocalConfig{ReposPaths: []string{"/"}}}))
	go app.Run(ctx) //nolint:errcheck // Close waits for it
	defer app.Close()
	template := must(app.Pool().Ensure(ctx, pool.Blueprint{
		Repository: store.Repository{GitURL: os.Args[1], GitBranch: os.Args[2]},
		Template:   store.Template{App: "bash", Playbook: os.Args[3]},
	}))
	task := must(app.Pool().AddTask(ctx, pool.AddRequest{Task: store.Task{ProjectID: template.ProjectID, TemplateID: template.ID}}))
	for line, err := range app.Pool().Follow(ctx, task.ProjectID, task.ID, 0) {
		fmt.Fprintln(os.Stdout, must(line, err).Text)
	}
	fmt.Fprintln(os.Stdout, must(app.Pool().Wait(ctx, task.ProjectID, task.ID)).Status)
}

// must panics on an error: what becomes of it is up to the program.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
