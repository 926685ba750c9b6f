package semaphore_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

func TestServersThatStartAtOnceMakeOneAdministrator(t *testing.T) {
	t.Parallel()
	const servers = 4
	st, key := memory.New(memory.Config{}), crypto.GenerateKey()
	var starts sync.WaitGroup
	var ids [servers]int64
	var passwords [servers]string
	var errs [servers]error
	gate := make(chan struct{})
	for i := range servers {
		app, err := semaphore.New(semaphore.Config{Store: st, Key: key, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, app.Close()) })
		starts.Go(func() {
			<-gate
			var admin store.User
			admin, passwords[i], errs[i] = app.FirstAdmin(t.Context(), store.User{Username: "Root"}, "")
			ids[i] = admin.ID
		})
	}
	close(gate)
	starts.Wait()
	made := 0
	for i := range servers {
		require.NoError(t, errs[i])
		require.Equal(t, ids[0], ids[i])
		if passwords[i] != "" {
			made++
		}
	}
	require.Equal(t, 1, made)
}

func TestTheAppSaysWhetherItIsReady(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	app, err := semaphore.New(semaphore.Config{Store: memory.New(memory.Config{}), Key: crypto.GenerateKey(), Dir: t.TempDir(), Log: log})
	require.NoError(t, err)
	ask := func(method, path, body string) (int, string) {
		rec := httptest.NewRecorder()
		app.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		text, err := io.ReadAll(rec.Body)
		require.NoError(t, err)
		return rec.Code, string(text)
	}
	status, body := ask(http.MethodGet, "/api/health", "")
	require.Equal(t, http.StatusServiceUnavailable, status, body)

	admin, made, err := app.FirstAdmin(t.Context(), store.User{}, "")
	require.NoError(t, err)
	require.Equal(t, "admin", admin.Username)
	again, none, err := app.FirstAdmin(t.Context(), store.User{}, "")
	require.NoError(t, err)
	require.Empty(t, none, "it is there already")
	require.Equal(t, admin.ID, again.ID)
	status, body = ask(http.MethodPost, "/api/auth/login", `{"auth":"admin","password":"`+made+`"}`)
	require.Equal(t, http.StatusNoContent, status, body)

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	require.Eventually(t, func() bool { status, _ := ask(http.MethodGet, "/api/health", ""); return status == http.StatusOK }, 10*time.Second, time.Millisecond)
	stop()
	require.NoError(t, <-done)
	status, _ = ask(http.MethodGet, "/api/health", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.NoError(t, app.Close())
}
