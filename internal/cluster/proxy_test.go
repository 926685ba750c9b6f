//go:build linux

package cluster_test

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// weather is what a proxy does to what passes.
type weather struct {
	there, back bool          // whether requests and replies pass; held otherwise, as a network without a route does
	refuse      bool          // connections are cut, and none is taken
	delay       time.Duration // of everything, each way
	trips       int           // there and back before a new connection carries anything, as for TLS
	breaks      string        // a request with it cuts its connection
}

// fair lets everything pass.
var fair = weather{there: true, back: true}

// proxy is a network that a test can cut. It passes connections on to the first
// of its targets that takes them.
type proxy struct {
	addr    string
	targets func() []string
	wg      sync.WaitGroup

	mu      sync.Mutex
	now     weather
	changed chan struct{}     // closed and replaced with each change
	open    map[net.Conn]bool // nil once it is closed
	broke   int               // connections that a request has cut
}

func (p *proxy) broken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broke
}

// breaks tells whether the weather cuts a connection for what passes.
func (p *proxy) breaks(data []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.breaks == "" || !bytes.Contains(data, []byte(p.now.breaks)) {
		return false
	}
	p.broke++
	return true
}

func newProxy(t testing.TB, targets func() []string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{addr: l.Addr().String(), targets: targets, now: fair, changed: make(chan struct{}), open: map[net.Conn]bool{}}
	p.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for conn := range p.open {
			_ = conn.Close()
		}
		p.open = nil
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// set changes the weather.
func (p *proxy) set(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = w
	close(p.changed)
	p.changed = make(chan struct{})
	if w.refuse {
		for conn := range p.open {
			_ = conn.Close()
		}
	}
}

// keep remembers connections, unless there is to be none.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil || p.now.refuse {
		return false
	}
	for _, c := range conns {
		p.open[c] = true
	}
	return true
}

func (p *proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.open, c)
	}
}

func (p *proxy) serve(in net.Conn) {
	defer in.Close()
	if !p.keep(in) {
		return
	}
	defer p.forget(in)
	p.mu.Lock()
	begins := 2 * p.now.delay * time.Duration(p.now.trips)
	p.mu.Unlock()
	time.Sleep(begins) // what it takes to greet somebody far away
	if !p.passes(in, func(w weather) bool { return w.there }) {
		return
	}
	for _, target := range p.targets() {
		out, err := net.DialTimeout("tcp", target, time.Second)
		if err != nil {
			continue
		}
		defer out.Close()
		if !p.keep(out) {
			return
		}
		defer p.forget(out)
		var back sync.WaitGroup
		back.Go(func() { p.pass(in, out, func(w weather) bool { return w.back }) })
		p.pass(out, in, func(w weather) bool { return w.there })
		back.Wait()
		return
	}
}

// passes waits until the weather lets something of a connection pass; false once
// the connection is gone.
func (p *proxy) passes(of net.Conn, open func(weather) bool) bool {
	for {
		p.mu.Lock()
		w, changed, here := p.now, p.changed, p.open[of]
		p.mu.Unlock()
		if !here || w.refuse {
			return false
		}
		if open(w) {
			return true
		}
		<-changed
	}
}

// parcel is what was read at once.
type parcel struct {
	data []byte
	at   time.Time
}

// pass takes what comes from one side to the other, late and held back as the
// weather is, and closes both at the end.
func (p *proxy) pass(to, from net.Conn, open func(weather) bool) {
	parcels := make(chan parcel, 256)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(parcels)
		for {
			buf := make([]byte, 32<<10)
			n, err := from.Read(buf)
			if n > 0 {
				parcels <- parcel{buf[:n], time.Now()}
			}
			if err != nil {
				return
			}
		}
	})
	defer reading.Wait()
	defer func() {
		_, _ = to.Close(), from.Close()
		for range parcels { // so that the reader ends
		}
	}()
	for c := range parcels {
		p.mu.Lock()
		delay := p.now.delay
		p.mu.Unlock()
		if wait := delay - time.Since(c.at); wait > 0 {
			time.Sleep(wait) // what a long way takes
		}
		if p.breaks(c.data) || !p.passes(from, open) {
			return
		}
		if _, err := to.Write(c.data); err != nil {
			return
		}
	}
	p.passes(from, open) // the end of a connection takes the same way
}
