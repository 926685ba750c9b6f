package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// keys are the members of a JSON object, sorted.
func keys(t *testing.T, body string) []string {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(body), &m), body)
	return slices.Sorted(maps.Keys(m))
}

// eventTexts are the descriptions of all events, newest first.
func eventTexts(t *testing.T, w *world) []string {
	t.Helper()
	page, err := w.st.Events().List(t.Context(), store.AnyScope, store.Query{Limit: -1})
	require.NoError(t, err)
	var texts []string
	for _, e := range page.Items {
		texts = append(texts, e.Description)
	}
	return texts
}

func TestPublicRoutes(t *testing.T) {
	t.Parallel()
	o := options{idle: true, api: func(c *api.Config) {
		c.Settings = api.Settings{TOTP: true, TOTPRecovery: true, EmailOTP: true, PasswordLoginDisabled: true, InviteType: "both", GitClient: "cmd_git", Timezone: "UTC"}
		c.Settings.Ansible = func(context.Context) (string, error) { return "ansible 9", nil }
	}}
	backends(t, o, func(_ *testing.T, w *world) {
		w.play([]scenario{
			{name: "ping answers anyone", as: "nobody", method: "GET", path: "/ping", status: 200, after: func(t *testing.T, _ *world, a answer) {
				require.Equal(t, "pong", a.Body)
				require.Equal(t, "text/plain; charset=utf-8", a.Header.Get("Content-Type"))
			}},
			{name: "ping answers HEAD", as: "nobody", method: "HEAD", path: "/ping", status: 200},
			{name: "the version is public", as: "nobody", method: "GET", path: "/version", status: 200, contains: []string{`{"version":"1.2.3"}`}},
			{name: "the sign-in page knows what it may offer", as: "nobody", method: "GET", path: "/auth/login", status: 200,
				contains: []string{`"oidc_providers":[]`, `"login_with_password":false`, `"auth_methods":{"totp":{"allow_recovery":true}}`},
				after: func(t *testing.T, _ *world, a answer) {
					require.Equal(t, []string{"auth_methods", "login_with_password", "oidc_providers"}, keys(t, a.Body))
				}},
			{name: "nobody gets no info", as: "nobody", method: "GET", path: "/info", status: 401},
			{name: "info tells what there is", as: "guest", method: "GET", path: "/info", status: 200,
				contains: []string{`"project_runners":true`, `"email":{}`, `"roles":[]`, `"invite_type":"both"`, `"web_host":"https://semaphore.example.org/prefix"`},
				after: func(t *testing.T, _ *world, a answer) {
					require.Equal(t, []string{"ansible", "auth_methods", "git_client", "premium_features", "roles", "schedule_timezone", "teams",
						"use_remote_runner", "version", "web_host"}, keys(t, a.Body))
				}},
			{name: "figures are for administrators", method: "GET", path: "/metrics", status: 403},
			{name: "figures are not for nobody", as: "nobody", method: "GET", path: "/metrics", status: 401},
		})
	})
}

func TestVersionOfAnsibleIsFoundOnceWithoutWaiting(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	release := make(chan struct{})
	w := newWorld(t, options{idle: true, api: func(c *api.Config) {
		c.Settings.Ansible = func(context.Context) (string, error) {
			asked.Add(1)
			<-release
			return "ansible [core 2.14]", nil
		}
	}})
	require.Contains(t, w.do("guest", "GET", "/info", "").Body, `"ansible":""`)
	close(release)
	require.Eventually(t, func() bool {
		return strings.Contains(w.do("guest", "GET", "/info", "").Body, `"ansible":"ansible [core 2.14]"`)
	}, 5*time.Second, time.Millisecond)
	require.EqualValues(t, 1, asked.Load())
}

func TestSearchForAVersionEndsWithTheServer(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	w := newWorld(t, options{idle: true, api: func(c *api.Config) {
		c.Settings.Ansible = func(ctx context.Context) (string, error) {
			defer close(ended)
			<-ctx.Done()
			panic("whatever happens in there")
		}
	}})
	w.do("guest", "GET", "/info", "")
	require.NoError(t, w.server.Close())
	select {
	case <-ended:
	default:
		t.Fatal("the search outlived the server")
	}
}

func TestHealthTellsWhetherTheServerCanWork(t *testing.T) {
	t.Parallel()
	var ready atomic.Pointer[error]
	w := newWorldOn(t, options{idle: true, api: func(c *api.Config) {
		c.Ready = func(context.Context) error {
			if err := ready.Load(); err != nil {
				return *err
			}
			return nil
		}
	}}, openMemory)
	a := w.do("", "GET", "/health", "")
	require.Equal(t, 200, a.Status)
	require.JSONEq(t, `{"status":"ok","database":"ok","pool":"ok"}`, a.Body)

	secret := errors.New("canary")
	ready.Store(&secret)
	a = w.do("", "GET", "/health", "")
	require.Equal(t, 503, a.Status)
	require.Contains(t, a.Body, `"pool":"unavailable"`)
	require.Contains(t, a.Body, `"error":`)
	require.NotContains(t, a.Body, "canary")
}

func TestHealthAsksTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, options{idle: true}, openSQLite)
	require.Equal(t, 200, w.do("", "GET", "/health", "").Status)
	require.NoError(t, w.st.Close())
	a := w.do("", "GET", "/health", "")
	require.Equal(t, 503, a.Status)
	require.Contains(t, a.Body, `"database":"unavailable"`)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	figures := api.NewMetrics()
	backends(t, options{idle: true, pool: func(c *pool.Config) { c.Metrics = figures.Pool() }, api: func(c *api.Config) { c.Metrics = figures }}, func(t *testing.T, w *world) {
		hooks := w.server.PoolMetrics()
		hooks.Waited("bash", time.Second)
		hooks.Finished("bash", store.Failed, time.Minute)
		hooks.Lines(3)
		hooks.Lost(store.BecameLost)
		_, err := w.pool.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"]}, By: pool.Caller{UserID: w.ids["owner"]}})
		require.NoError(t, err)
		w.do("owner", "GET", "/project/{p}/views", "")
		w.do("", "BREW", "/coffee/{p}", "")
		a := w.do("admin", "GET", "/metrics", "")
		require.Equal(t, 200, a.Status)
		for _, line := range []string{
			`semaphore_http_requests_total{method="GET",route="GET /project/{project}/views",status="200"}`,
			`semaphore_http_requests_total{method="other",route="other",status="404"}`,
			`semaphore_tasks{status="waiting"} 1`, `semaphore_tasks{status="running"} 0`, `semaphore_task_leases 0`,
			`semaphore_tasks_launched_total{app="bash"}`, `semaphore_tasks_finished_total{app="bash",status="error"}`,
			`semaphore_task_wait_seconds_count{app="bash"}`, `semaphore_task_leases_expired_total{outcome="lost"}`, "go_goroutines",
		} {
			require.Contains(t, a.Body, line)
		}
		require.NotContains(t, a.Body, "coffee")
	})
}
