// Command mount puts the API behind another program's router, prefix and
// sign-in: a portal that knows its users already.
//
//	go run ./examples/mount
package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

func main() {
	job.Init()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	must(0, run(ctx, "data", "127.0.0.1:8080"))
}

func run(ctx context.Context, dir, addr string) error {
	db := must(sqlite.Open(ctx, dir+"/semaphore.db", sqlite.Config{}))
	defer db.Close() //nolint:errcheck // everything is stored by then
	app := must(semaphore.New(semaphore.Config{
		Store: db, Key: must(crypto.KeyFile(dir + "/key")), Dir: dir + "/work",
		HTTP:         semaphore.HTTP{WebHost: "http://" + addr + "/ops/tasks"},
		Authenticate: portalUser(db),
	}))
	mux := http.NewServeMux()
	mux.Handle("/ops/tasks/", http.StripPrefix("/ops/tasks", app.Handler()))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the portal\n")) })
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go server.ListenAndServe() //nolint:errcheck // Shutdown ends it
	err := app.Run(ctx)
	return errors.Join(err, app.Close(), server.Shutdown(context.WithoutCancel(ctx)))
}

// portalUser finds, and makes at the first visit, the user whom the portal has
// signed in. Here its proxy tells by a header; yours has a session.
func portalUser(st store.Store) func(*http.Request) (*store.User, error) {
	return func(r *http.Request) (*store.User, error) {
		name := r.Header.Get("X-Portal-User")
		if name == "" {
			return nil, nil
		}
		user, err := st.Users().ByLogin(r.Context(), name)
		if errors.Is(err, store.ErrNotFound) {
			user, err = st.Users().Create(r.Context(), store.User{Username: name, Name: name, Email: name + "@portal.example.org", External: true, Admin: name == "root"})
		}
		return &user, err
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
