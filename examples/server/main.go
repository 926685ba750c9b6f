// Command server is the shortest complete server: the API, sign-in and a pool,
// kept in one SQLite file below ./data. Try it: go run ./examples/server
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func main() {
	job.Init() // lets this program supervise the trees of its tasks
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	key := must(crypto.KeyFile("data/key"))
	db := must(sqlite.Open(ctx, "data/semaphore.db", sqlite.Config{}))
	app := must(semaphore.New(semaphore.Config{Store: db, Key: key, Dir: "data/work"}))
	if _, password, err := app.FirstAdmin(ctx, store.User{Username: "admin"}, ""); password != "" {
		fmt.Fprintln(os.Stdout, "sign in as admin with", must(password, err))
	}
	go http.ListenAndServe("127.0.0.1:3000", app.Handler()) //nolint:errcheck,gosec // a server of your own sets time-outs
	must(db, app.Run(ctx)).Close()                          //nolint:errcheck // Run returns when its tasks have ended
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
