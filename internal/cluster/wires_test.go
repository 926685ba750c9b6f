//go:build linux

package cluster_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// dial makes a connection out of the namespace.
func (w *wire) dial(address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	made := make(chan result)
	go func() {
		// The thread is never given back, so that nothing else runs in there.
		runtime.LockOSThread()
		file, err := os.Open(filepath.Join(namespaces, w.namespace))
		if err != nil {
			made <- result{nil, err}
			return
		}
		defer file.Close()
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			made <- result{nil, err}
			return
		}
		conn, err := net.DialTimeout("tcp", address, 5*time.Second)
		made <- result{conn, err}
	}()
	r := <-made
	return r.conn, r.err
}

// heard is a server that notes lines and sends them back.
type heard struct {
	net.Listener
	lines chan string
}

func newHeard(t *testing.T, host string) *heard {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	h := &heard{Listener: l, lines: make(chan string, 100)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				for s := bufio.NewScanner(conn); s.Scan(); {
					h.lines <- s.Text()
					_, _ = fmt.Fprintln(conn, s.Text())
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return h
}

// TestAWireDoesWhatItsStormsAreFor tells what passes in each of them, on a
// connection that is there before.
func TestAWireDoesWhatItsStormsAreFor(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	w := n.wire()
	h := newHeard(t, n.host)
	for _, c := range []struct {
		name        string
		begin, end  func(*wire)
		there, back bool
		connects    bool
		least       time.Duration // for there and back
	}{
		{"fair", func(*wire) {}, func(*wire) {}, true, true, true, 0},
		{"the wire is pulled", (*wire).down, (*wire).up, false, false, false, 0},
		{"requests are lost", (*wire).deaf, (*wire).hears, false, false, false, 0},
		{"replies are lost", (*wire).mute, (*wire).speaks, true, false, false, 0},
		{"all takes two seconds", (*wire).detour, (*wire).shortcut, true, true, true, 2 * slowness},
	} {
		conn, err := w.dial(h.Addr().String())
		require.NoError(t, err, c.name)
		t.Cleanup(func() { _ = conn.Close() })
		c.begin(w)
		sent := time.Now()
		_, err = fmt.Fprintln(conn, c.name)
		require.NoError(t, err)
		back := make(chan time.Duration, 1)
		go func() {
			if s := bufio.NewScanner(conn); s.Scan() {
				back <- time.Since(sent)
			}
			close(back)
		}()
		wait := 3*slowness + time.Second
		select {
		case <-h.lines:
			require.True(t, c.there, "%s: it has come there", c.name)
		case <-time.After(wait):
			require.False(t, c.there, "%s: it has not come there", c.name)
		}
		came := false
		select {
		case took := <-back:
			came = true
			require.True(t, c.back, "%s: the reply has come", c.name)
			require.GreaterOrEqual(t, took, c.least, c.name)
		case <-time.After(wait):
			require.False(t, c.back, "%s: the reply has not come", c.name)
		}
		other, err := w.dial(h.Addr().String())
		require.Equal(t, c.connects, err == nil, "%s: %v", c.name, err)
		if err == nil {
			require.NoError(t, other.Close())
		}
		c.end(w)
		if !c.there {
			<-h.lines
		}
		if !came {
			took := <-back
			require.NotZero(t, took, "%s: the connection lives on", c.name)
		}
	}
}
