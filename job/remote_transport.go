package job

import (
	"net/http"
	"time"
)

// Figures of the connections of a runner.
const (
	remoteIdle     = 64               // that are kept: as many calls may be under way at once, and the next ones find theirs made
	remoteIdleTime = 90 * time.Second // less than servers and balancers keep one, so that none is used that was just closed
	remotePing     = 10 * time.Second // of HTTP/2, whose calls share a connection: one that is dead is found out
)

// remoteTransport makes the connections of a runner, and keeps them: a new one
// takes three times the way there and back before it carries an answer, which at
// the end of a long way is most of a lease. A host program that has put its own
// transport in place of net/http's keeps that, which others use too.
func remoteTransport() (transport http.RoundTripper, own bool) {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport, false
	}
	t := standard.Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.IdleConnTimeout = remoteIdle, remoteIdle, remoteIdleTime
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: remotePing, PingTimeout: remotePing}
	return t, true
}

// hangUp closes the connections that are not in use, where they are of this
// source alone.
func (r *RemoteSource) hangUp() {
	if r.ownHTTP {
		r.cfg.HTTP.CloseIdleConnections()
	}
}
