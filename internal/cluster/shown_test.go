//go:build linux

package cluster_test

import (
	"context"
	"sync"
	"time"

	"github.com/alexandervashurin/semaphore/internal/nodes"
)

// lookout watches the list of servers, and tells how long a dead one is shown as
// one that lives.
type lookout struct {
	mu   sync.Mutex
	seen map[string]*sight
}

// sight is what was seen of a server.
type sight struct {
	started time.Time
	last    time.Time // alive
	gone    time.Time // first seen as gone after that; zero if never
}

func (l *lookout) run(ctx context.Context, f *fleet) {
	for ctx.Err() == nil {
		for _, address := range f.addresses() {
			var info struct{ Nodes []nodes.Node }
			if err := f.at(address, "GET", "/info", nil, &info); err == nil {
				l.note(info.Nodes, time.Now())
				break
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond): // how often somebody looks
		}
	}
}

func (l *lookout) note(list []nodes.Node, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	alive := map[string]bool{}
	for _, n := range list {
		if !n.Alive {
			continue
		}
		alive[n.ID] = true
		if l.seen[n.ID] == nil {
			l.seen[n.ID] = &sight{started: n.Started}
		}
		l.seen[n.ID].last, l.seen[n.ID].gone = now, time.Time{}
	}
	for id, s := range l.seen {
		if !alive[id] && s.gone.IsZero() {
			s.gone = now
		}
	}
}

// life is that of a server's program.
type life struct {
	spawned, killed time.Time // killed is zero of one that was not
}

// starting is how long a server takes until it is on the list.
const starting = 2 * time.Second

// longest is the longest time for which a dead server was shown as one that
// lives, and how many were watched. A server is known by when it started.
func (l *lookout) longest(lives []*life) (longest time.Duration, watched int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, d := range lives {
		alone := !d.killed.IsZero()
		for j, other := range lives {
			alone = alone && (i == j || other.spawned.Sub(d.spawned).Abs() > starting)
		}
		for _, s := range l.seen {
			if after := s.started.Sub(d.spawned); alone && after > 0 && after < starting && !s.gone.IsZero() {
				watched++
				longest = max(longest, s.gone.Sub(d.killed))
			}
		}
	}
	return longest, watched
}
