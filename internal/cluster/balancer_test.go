//go:build linux

package cluster_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// balancer passes connections on to the first of its servers that takes them.
type balancer struct {
	url string
	wg  sync.WaitGroup

	mu      sync.Mutex
	servers []*server
	open    map[net.Conn]bool // nil once it is closed
}

func newBalancer(t *testing.T, servers ...*server) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &balancer{url: "http://" + l.Addr().String(), servers: servers, open: map[net.Conn]bool{}}
	b.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.wg.Go(func() { b.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		b.mu.Lock()
		for conn := range b.open {
			_ = conn.Close()
		}
		b.open = nil
		b.mu.Unlock()
		b.wg.Wait()
	})
	return b
}

// prefer says which servers it has from now on.
func (b *balancer) prefer(servers ...*server) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers = servers
}

func (b *balancer) serve(in net.Conn) {
	defer in.Close()
	b.mu.Lock()
	servers := b.servers
	b.mu.Unlock()
	for _, s := range servers {
		out, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			continue
		}
		defer out.Close()
		if !b.keep(in, out) {
			return
		}
		defer b.forget(in, out)
		var back sync.WaitGroup
		back.Go(func() {
			_, _ = io.Copy(in, out)
			_ = in.Close()
		})
		_, _ = io.Copy(out, in)
		_ = out.Close()
		back.Wait()
		return
	}
}

func (b *balancer) keep(conns ...net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		if b.open == nil {
			return false
		}
		b.open[c] = true
	}
	return true
}

func (b *balancer) forget(conns ...net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		delete(b.open, c)
	}
}
