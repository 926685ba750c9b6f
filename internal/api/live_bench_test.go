package api_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// crowd is how many clients there are, 200 or CLIENTS: 1 in 100 of them watches
// a task, all hear of changes.
func crowd(t *testing.T) int {
	text := os.Getenv("CLIENTS")
	if text == "" {
		return 200
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// TestACrowdIsServed prints how late lines and changes arrive and what a client
// costs: with CLIENTS=10000, 100 of them watch a task of 1,000 lines a second.
func TestACrowdIsServed(t *testing.T) {
	t.Parallel()
	clients := crowd(t)
	seconds := 2
	w := newWorld(t, options{script: func(*job.Spec) jobtest.Script {
		list := make([]string, 1000*seconds)
		for i := range list {
			list[i] = "ok: [host-" + strconv.Itoa(i) + "]"
		}
		return jobtest.Script{Lines: list, Delay: time.Millisecond}
	}})
	client, stop := w.serveInside()
	before := heap()
	var lines, changes figures
	var readers sync.WaitGroup
	conns := make([]*websocket.Conn, clients)
	for i := range conns {
		query := "?lines=0"
		if i%100 == 0 {
			query = "?batch=1&task=1"
		}
		conn, _, err := websocket.Dial(t.Context(), "http://pipe/api/ws"+query, &websocket.DialOptions{ //nolint:bodyclose // the connection is closed, and a refusal has no body to speak of
			HTTPClient: client, HTTPHeader: http.Header{"Authorization": {"Bearer " + w.tokens["guest"]}},
		})
		require.NoError(t, err)
		conn.SetReadLimit(-1)
		conns[i] = conn
		readers.Go(func() { listenTo(t.Context(), conn, &lines, &changes) })
	}
	after := heap()
	t.Logf("%d clients: %d KB of heap and %d KB of stacks each, both ends", clients, (int(after.HeapInuse)-int(before.HeapInuse))>>10/clients, (int(after.StackInuse)-int(before.StackInuse))>>10/clients)
	begun := time.Now()
	w.created("task", "owner", "/project/{p}/tasks", `{"template_id":{template}}`)
	readers.Wait()
	t.Logf("took %s; lines: %s; changes: %s", time.Since(begun).Round(time.Millisecond), lines.String(), changes.String())
	require.Empty(t, lines.errs)
	require.Equal(t, 1000*seconds*((clients+99)/100), lines.n)
	require.Equal(t, clients, changes.n)
	for _, conn := range conns {
		require.NoError(t, conn.CloseNow())
	}
	stop()
}

func heap() runtime.MemStats {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}

// listenTo reads until the task has succeeded.
func listenTo(ctx context.Context, conn *websocket.Conn, lines, changes *figures) {
	for {
		_, f, err := conn.Read(ctx)
		if err != nil {
			lines.fail(err)
			return
		}
		now := time.Now()
		if !bytes.Contains(f, []byte(`"type":"update"`)) {
			lines.add(times(f, `"time":"`), now)
			continue
		}
		changes.add(times(f, `"end":"`), now)
		if bytes.Contains(f, []byte(`"status":"success"`)) {
			return
		}
	}
}

// times finds the times behind a member.
func times(f []byte, member string) []time.Time {
	var list []time.Time
	for {
		i := bytes.Index(f, []byte(member))
		if i < 0 {
			return list
		}
		f = f[i+len(member):]
		if at, err := time.Parse(time.RFC3339Nano, string(f[:max(bytes.IndexByte(f, '"'), 0)])); err == nil {
			list = append(list, at)
		}
	}
}

// figures are delays.
type figures struct {
	mu   sync.Mutex
	n    int
	late []time.Duration
	errs []error
}

func (f *figures) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *figures) add(since []time.Time, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, at := range since {
		f.n++
		f.late = append(f.late, now.Sub(at))
	}
}

// String tells the median and the slowest of a hundred.
func (f *figures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.late)
	if len(f.late) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d, p50 %s, p99 %s", f.n, f.late[len(f.late)/2].Round(time.Millisecond), f.late[len(f.late)*99/100].Round(time.Millisecond))
}
