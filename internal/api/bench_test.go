package api_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// loaded is a server on a database with many tasks.
type loaded struct {
	st       store.Store
	server   *httptest.Server
	token    string
	cookie   string
	project  int64
	template int64
}

// load makes a project with 20 templates and so many finished tasks.
func load(b *testing.B, tasks int) *loaded {
	ctx := b.Context()
	log := slog.New(slog.DiscardHandler)
	st, err := sqlite.Open(ctx, filepath.Join(b.TempDir(), "semaphore.db"), sqlite.Config{Log: log})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, st.Close()) })
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(b, err)
	p, err := pool.New(st, pool.Config{Ring: ring, Log: log})
	require.NoError(b, err)
	service, err := auth.New(st, auth.Config{Ring: ring, BcryptCost: 4})
	require.NoError(b, err)
	handler, err := api.New(api.Config{Store: st, Pool: p, Auth: service, Ring: ring, Apps: newFakeApps(), Log: log})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, handler.Close()) })

	l := &loaded{st: st}
	hash, err := service.HashPassword(password)
	require.NoError(b, err)
	user, err := st.Users().Create(ctx, store.User{Username: "owner", Name: "Owner", Email: "owner@example.org", Password: hash})
	require.NoError(b, err)
	l.token, _, err = service.NewToken(ctx, user.ID, auth.TokenOptions{Name: "bench"})
	require.NoError(b, err)
	in, err := service.SignIn(ctx, auth.Client{}, "owner", password)
	require.NoError(b, err)
	l.cookie = in.Cookie
	l.populate(b, user.ID, tasks)
	l.server = httptest.NewServer(handler.Handler())
	b.Cleanup(l.server.Close)
	return l
}

func (l *loaded) populate(b *testing.B, owner int64, tasks int) {
	require.NoError(b, l.st.InTx(b.Context(), func(ctx context.Context, tx store.Store) error {
		project, err := tx.Projects().Create(ctx, store.Project{Name: "bench"})
		require.NoError(b, err)
		l.project = project.ID
		_, err = tx.Projects().Members().Create(ctx, store.Member{ProjectID: project.ID, UserID: owner, Role: "owner"})
		require.NoError(b, err)
		key, err := tx.Keys().Create(ctx, store.AccessKey{ProjectID: project.ID, Name: "None", Type: store.KeyNone})
		require.NoError(b, err)
		repo, err := tx.Repositories().Create(ctx, store.Repository{ProjectID: project.ID, Name: "code", GitURL: "https://git.example.org/code.git", GitBranch: "main", SSHKeyID: key.ID})
		require.NoError(b, err)
		var templates []int64
		for i := range 20 {
			t, err := tx.Templates().Create(ctx, store.Template{ProjectID: project.ID, Name: fmt.Sprint("template ", i), App: "bash", Playbook: "run.sh", RepositoryID: repo.ID})
			require.NoError(b, err)
			templates = append(templates, t.ID)
		}
		l.template = templates[0]
		now := time.Now()
		for i := range tasks {
			end := now.Add(time.Duration(i) * time.Second)
			_, err := tx.Tasks().Create(ctx, store.NewTask{Task: store.Task{
				ProjectID: project.ID, TemplateID: templates[i%len(templates)], Status: store.Failed, UserID: &owner,
				Created: end, Start: &end, End: &end, Message: fmt.Sprint("task ", i),
			}, Snapshot: []byte("{}")})
			require.NoError(b, err)
		}
		return nil
	}))
}

// BenchmarkReads prints requests per second and the 99th percentile of reads
// by 8 clients on a database with 10,000 tasks.
func BenchmarkReads(b *testing.B) {
	l := load(b, 10_000)
	for name, path := range map[string]string{
		"project":   "/api/project/%d",
		"templates": "/api/project/%d/templates",
		"last":      "/api/project/%d/tasks/last?limit=20",
	} {
		for _, by := range []string{"cookie", "token"} {
			b.Run(name+"/"+by, func(b *testing.B) { l.read(b, fmt.Sprintf(path, l.project), by) })
		}
	}
}

// read sends the requests.
func (l *loaded) read(b *testing.B, path, by string) {
	const clients = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	took := make([][]time.Duration, clients)
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range clients {
		wg.Go(func() {
			for range (b.N + clients - 1) / clients {
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, l.server.URL+path, http.NoBody)
				if err != nil {
					b.Error(err)
					return
				}
				if by == "cookie" {
					r.AddCookie(&http.Cookie{Name: "semaphore", Value: l.cookie})
				} else {
					r.Header.Set("Authorization", "Bearer "+l.token)
				}
				begun := time.Now()
				res, err := client.Do(r)
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					b.Error(res.Status, err)
					return
				}
				took[i] = append(took[i], time.Since(begun))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) == 0 {
		return
	}
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}
