package api

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Why somebody is cut off who missed something.
const (
	closeLost = websocket.StatusTryAgainLater
	whyLost   = "messages were lost"
)

const (
	pingEvery      = 108 * time.Second
	pongWithin     = 12 * time.Second
	writeLimit     = 20 * time.Second
	readLimit      = 512 // bytes of a message, none of which means anything
	farewellWithin = time.Second
	queueLimit     = 256 // messages that may wait for a client
)

// client is a websocket. Its queue is bounded, and a goroutine writes only
// while there is something in it.
type client struct {
	watcher
	conn  *websocket.Conn
	net   net.Conn // beneath conn
	live  *live
	task  int64 // the only one it hears of; 0 for all
	batch bool  // lines come together
	quiet bool  // no lines come

	pingAt time.Time // guarded by live.mu

	mu      sync.Mutex
	queue   [][][]byte
	writing bool
	ended   bool
}

// offer queues a message, if the client asked for it and may see it; live.mu is
// held. One who is too slow is cut off.
func (c *client) offer(ctx context.Context, n *news) {
	m := n.message
	if c.task != 0 && c.task != m.TaskID || c.project != 0 && c.project != m.ProjectID || !c.by.sees(m.ProjectID) {
		return
	}
	if lost(m) && !c.quiet {
		c.finish(closeLost, whyLost)
		return
	}
	frames := n.framesFor(c)
	if len(frames) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
	case len(c.queue) >= queueLimit:
		c.queue = nil
		c.endLocked(websocket.StatusTryAgainLater, "too slow")
	default:
		c.queue = append(c.queue, frames)
		if !c.writing {
			c.writing = true
			c.live.wg.Go(func() { c.write(ctx) })
		}
	}
}

// open gives the client its connection, and sends what has come since it joined.
func (c *client) open(ctx context.Context, conn *websocket.Conn, beneath net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn, c.net = conn, beneath
	if c.ended {
		c.live.wg.Go(func() { c.farewell(websocket.StatusGoingAway, "come back later") })
		return
	}
	c.live.wg.Go(func() { c.write(ctx) })
}

// finish closes the connection in its own time, and says why.
func (c *client) finish(code websocket.StatusCode, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(code, why)
}

// endLocked is finish where c.mu is held.
func (c *client) endLocked(code websocket.StatusCode, why string) {
	if c.ended {
		return
	}
	c.ended, c.queue = true, nil
	if c.conn != nil {
		c.live.wg.Go(func() { c.farewell(code, why) })
	}
}

// farewell closes a connection. Who does not answer is not waited for.
func (c *client) farewell(code websocket.StatusCode, why string) {
	defer c.live.recovered("farewell to a watcher")
	timer := time.AfterFunc(farewellWithin, func() { _ = c.net.Close() })
	defer timer.Stop()
	_ = c.conn.Close(code, why)
}

// drop closes a connection that is of no use any more.
func (c *client) drop() {
	c.mu.Lock()
	ended := c.ended
	c.ended, c.queue = true, nil
	c.mu.Unlock()
	if !ended {
		_ = c.conn.CloseNow()
	}
}

// ping drops a client that gives no sign of life.
func (c *client) ping(ctx context.Context) {
	defer c.live.recovered("ping of a watcher")
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pongWithin)
	defer cancel()
	if err := conn.Ping(ctx); err != nil {
		c.drop()
	}
}

// send writes frames.
func (c *client) send(ctx context.Context, frames [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	for _, f := range frames {
		if err := c.conn.Write(ctx, websocket.MessageText, f); err != nil {
			return fmt.Errorf("write frame: %w", err)
		}
	}
	return nil
}

// write sends what is queued, until nothing is.
func (c *client) write(ctx context.Context) {
	defer c.live.recovered("writer of a watcher")
	for {
		c.mu.Lock()
		if len(c.queue) == 0 || c.ended {
			c.queue, c.writing = nil, false
			c.mu.Unlock()
			return
		}
		frames := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.mu.Unlock()
		if err := c.send(ctx, frames); err != nil {
			c.drop()
			return
		}
	}
}
