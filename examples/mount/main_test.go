package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheApiLivesBehindThePortal runs the program and asks as the portal's
// users do.
func TestTheApiLivesBehindThePortal(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, t.TempDir(), addr) }()

	get := func(path, user string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		require.NoError(t, err)
		r.Header.Set("X-Portal-User", user)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	require.Eventually(t, func() bool { status, _ := get("/", ""); return status == http.StatusOK }, 10*time.Second, 20*time.Millisecond)
	status, body := get("/ops/tasks/api/user", "alice")
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `"username":"alice"`)
	status, _ = get("/ops/tasks/api/user", "")
	require.Equal(t, http.StatusUnauthorized, status)
	status, body = get("/ops/tasks/api/projects", "root")
	require.Equal(t, http.StatusOK, status, body)

	stop()
	require.NoError(t, <-done)
	http.DefaultClient.CloseIdleConnections()
}
