package api_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// pipes is a listener whose connections stay in the process.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serveInside serves the world's handler without a port; stop ends it.
func (w *world) serveInside() (client *http.Client, stop func()) {
	listener := newPipes()
	server := &http.Server{Handler: w.handler, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	transport := &http.Transport{DialContext: listener.dial}
	return &http.Client{Transport: transport}, func() {
		require.NoError(w.t, w.server.Close())
		require.NoError(w.t, server.Close())
		transport.CloseIdleConnections()
		<-served
	}
}

func TestAClientThatGivesNoSignOfLifeIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{idle: true})
		client, stop := w.serveInside()
		dial := func() *websocket.Conn {
			conn, _, err := websocket.Dial(t.Context(), "http://pipe/api/ws", &websocket.DialOptions{ //nolint:bodyclose // the connection is closed, and a refusal has no body to speak of
				HTTPClient: client, HTTPHeader: http.Header{"Authorization": {"Bearer " + w.tokens["guest"]}},
			})
			require.NoError(t, err)
			return conn
		}
		alive, dead := dial(), dial()
		ended := make(chan error, 1)
		go func() {
			_, _, err := alive.Read(t.Context()) // which answers pings
			ended <- err
		}()
		time.Sleep(10 * time.Minute)
		require.Empty(t, ended, "who answers stays")
		_, _, err := dead.Read(context.WithoutCancel(t.Context()))
		require.Error(t, err)
		require.Equal(t, websocket.StatusCode(-1), websocket.CloseStatus(err), "without a farewell")
		require.NoError(t, alive.CloseNow())
		require.Error(t, <-ended)
		require.NoError(t, dead.CloseNow())
		stop()
	})
}
