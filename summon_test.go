package semaphore_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// logged is a log that tests read.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// TestWebhooksOfRunnersGoWhereTheyMay: those of runners of all projects anywhere,
// those of a project's where members of projects may reach.
func TestWebhooksOfRunnersGoWhereTheyMay(t *testing.T) {
	t.Parallel()
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, c := range map[string]struct {
		ofProject bool
		outgoing  []netip.Prefix
		called    bool
	}{
		"an administrator's":                {called: true},
		"a project's to a private address":  {ofProject: true},
		"a project's to what is configured": {ofProject: true, outgoing: local, called: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bodies := make(chan string, 10)
			hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body)
				bodies <- r.Method + " " + r.URL.Path + " " + string(text)
				w.WriteHeader(http.StatusNoContent)
			}))
			t.Cleanup(hook.Close)
			var log logged
			st := memory.New(memory.Config{})
			app, err := semaphore.New(semaphore.Config{
				Store: st, Key: crypto.GenerateKey(), Executor: &jobtest.Fake{}, Outgoing: c.outgoing, Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			tag := "gpu"
			tpl, err := app.Pool().Ensure(t.Context(), pool.Blueprint{
				Repository: store.Repository{Name: "code", GitURL: "https://git.example.org/x.git", GitBranch: "main"},
				Template:   store.Template{App: "bash", Playbook: "x.sh", RunnerTag: &tag},
			})
			require.NoError(t, err)
			row := store.Runner{Name: "box", Tag: tag, Active: true, Webhook: hook.URL + "/wake/canary", TokenHash: "x"}
			if c.ofProject {
				row.ProjectID = &tpl.ProjectID
			}
			_, err = st.Runners().Create(t.Context(), row)
			require.NoError(t, err)
			_, err = app.Pool().AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: tpl.ProjectID, TemplateID: tpl.ID}})
			require.NoError(t, err)
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- app.Run(ctx) }()
			if c.called {
				require.Equal(t, `POST /wake/canary {"action":"start","project_id":1,"task_id":1,"template_id":1,"runner_id":1}`, <-bodies)
			} else {
				require.Eventually(t, func() bool { return strings.Contains(log.String(), "call the webhook of a runner") }, 20*time.Second, 10*time.Millisecond)
				require.Empty(t, bodies)
			}
			stop()
			require.NoError(t, <-done)
			require.NotContains(t, log.String(), "canary", "an address may hold a secret")
			require.NoError(t, app.Close())
		})
	}
}
