package auth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// A program guards a handler of its own with the accounts of Semaphore.
func ExampleService_Guard() {
	ctx := context.Background()
	st := memory.New(memory.Config{})
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		log.Fatal(err)
	}
	users, err := auth.New(st, auth.Config{Ring: ring})
	if err != nil {
		log.Fatal(err)
	}
	hash, err := users.HashPassword("correct horse")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := st.Users().Create(ctx, store.User{Username: "alice", Name: "Alice", Email: "alice@example.com", Password: hash}); err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		from, _ := netip.ParseAddrPort(r.RemoteAddr)
		in, err := users.SignIn(r.Context(), auth.Client{IP: from.Addr()}, r.FormValue("login"), r.FormValue("password"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		users.SetCookie(w, r, in.Cookie)
	})
	mux.Handle("GET /report", users.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "a report for %s\n", auth.FromContext(r.Context()).User.Name)
	})))

	get := func(cookies ...*http.Cookie) {
		r := httptest.NewRequest(http.MethodGet, "/report", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Body)
		fmt.Print(w.Code, " ", string(body))
	}
	get()
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/login?login=alice&password=correct+horse", nil))
	get(w.Result().Cookies()...)
	// Output:
	// 401 {"error":"not signed in"}
	// 200 a report for Alice
}

// A member's role tells what he may do in a project.
func ExampleService_Access() {
	ctx := context.Background()
	st := memory.New(memory.Config{})
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		log.Fatal(err)
	}
	users, err := auth.New(st, auth.Config{Ring: ring})
	if err != nil {
		log.Fatal(err)
	}
	user, err := st.Users().Create(ctx, store.User{Username: "alice", Name: "Alice", Email: "alice@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	project, err := st.Projects().Create(ctx, store.Project{Name: "Web"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := st.Projects().Members().Create(ctx, store.Member{ProjectID: project.ID, UserID: user.ID, Role: auth.RoleTaskRunner}); err != nil {
		log.Fatal(err)
	}
	access, err := users.Access(ctx, user, project.ID)
	fmt.Println(access.Role, access.Can(auth.VerbRun), access.Can(auth.VerbManage), err)
	// Output: task_runner true false <nil>
}
