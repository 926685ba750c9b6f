package api

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// liveCheck is how often it is looked at who may still watch. Together with the
// time that an identity is trusted for, that stays below 5 s.
const liveCheck = 2 * time.Second

// live serves those who watch: websockets, which share one subscription of the
// pool and every frame, and streams of single tasks. What it starts ends with
// the last who watches.
type live struct {
	s  *Server
	wg sync.WaitGroup // of everything that was started, and of the handlers

	mu      sync.Mutex
	closed  bool
	viewers map[string]*viewer  // by what proves who they are
	general map[*client]bool    // websockets that ask for no single task
	byTask  map[int64]clientSet // those that do
	stop    context.CancelFunc  // ends what works while somebody watches; nil while nobody does
}

type clientSet map[*client]bool

func newLive(s *Server) *live {
	return &live{s: s, viewers: map[string]*viewer{}, general: map[*client]bool{}, byTask: map[int64]clientSet{}}
}

// join lets somebody watch; leave has to follow. It is false once the server
// closes. A client is nil for a stream.
func (l *live) join(ctx context.Context, w *watcher, c *client) bool {
	projects, err := l.projects(ctx, []int64{w.by.user})
	if err != nil {
		l.s.log.Warn("memberships of a watcher", slog.Any("error", err)) // the next look tells
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	if v := l.viewers[w.by.key]; v != nil {
		w.by = v
	} else {
		w.by.projects = projects[w.by.user]
		l.viewers[w.by.key] = w.by
	}
	w.by.watchers[w] = true
	if c != nil {
		l.setOf(c)[c] = true
	}
	l.wg.Add(1)
	if l.stop == nil {
		l.begin(ctx)
	}
	return true
}

// begin starts what watchers need; l.mu is held.
func (l *live) begin(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = cancel
	in, sub := newInbox(), l.s.pool.Subscribe(pool.Topic{})
	l.wg.Go(func() { l.receive(ctx, sub, in) })
	l.wg.Go(func() { l.pump(ctx, in) })
	l.wg.Go(func() { l.watch(ctx) })
}

// setOf is where a client is kept; l.mu is held.
func (l *live) setOf(c *client) clientSet {
	if c.task == 0 {
		return l.general
	}
	if l.byTask[c.task] == nil {
		l.byTask[c.task] = clientSet{}
	}
	return l.byTask[c.task]
}

// leave ends what join began.
func (l *live) leave(w *watcher, c *client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.wg.Done()
	delete(w.by.watchers, w)
	if len(w.by.watchers) == 0 {
		delete(l.viewers, w.by.key)
	}
	if c != nil {
		delete(l.setOf(c), c)
		if len(l.byTask[c.task]) == 0 {
			delete(l.byTask, c.task)
		}
	}
	if len(l.viewers) == 0 && l.stop != nil {
		l.stop() // which ends the subscription too
		l.stop = nil
	}
}

// close ends all watching and waits for it.
func (l *live) close() {
	l.mu.Lock()
	l.closed = true
	for _, v := range l.viewers {
		v.end(websocket.StatusGoingAway, "the server stops")
	}
	l.mu.Unlock()
	l.wg.Wait()
}

// deliver hands a message to everybody who asked for it and may see it.
func (l *live) deliver(ctx context.Context, m pool.Message) {
	defer l.recovered("news for watchers")
	n := &news{message: m}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.byTask[m.TaskID] {
		c.offer(ctx, n)
	}
	for c := range l.general {
		c.offer(ctx, n)
	}
}

// watch looks at rights and at connections until nobody watches.
func (l *live) watch(ctx context.Context) {
	ticker := time.NewTicker(liveCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		l.ping(ctx)
		l.check(ctx)
	}
}

// ping asks clients for a sign of life when it is time.
func (l *live) ping(ctx context.Context) {
	defer l.recovered("ping of watchers")
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.viewers {
		for w := range v.watchers {
			if c := w.client; c != nil && now.After(c.pingAt) {
				c.pingAt = now.Add(pingEvery)
				l.wg.Go(func() { c.ping(ctx) })
			}
		}
	}
}

// check ends the watching of those who may not any more.
func (l *live) check(ctx context.Context) {
	defer l.recovered("check of watchers")
	l.mu.Lock()
	viewers := slices.Collect(maps.Values(l.viewers))
	l.mu.Unlock()
	users := map[int64]bool{}
	for _, v := range viewers {
		id, err := l.s.whoIs(ctx, v.request)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		switch {
		case err != nil && answerOf(err).status >= http.StatusInternalServerError:
			l.s.log.Warn("identity of a watcher", slog.Any("error", err)) // nothing is known to have changed
		case err != nil || id.User.ID != v.user:
			v.end(websocket.StatusPolicyViolation, "signed out")
		default:
			v.admin, v.only = id.User.Admin, projectsOf(id.Scopes)
			users[v.user] = true
		}
		l.mu.Unlock()
	}
	projects, err := l.projects(ctx, slices.Collect(maps.Keys(users)))
	if err != nil {
		l.s.log.Warn("memberships of watchers", slog.Any("error", err))
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range viewers {
		if users[v.user] {
			v.projects = projects[v.user]
		}
		for w := range v.watchers {
			if w.project != 0 && !v.sees(w.project) {
				w.end(websocket.StatusPolicyViolation, "no member of the project any more")
			}
		}
	}
}

// membersAtOnce is how many users' memberships one statement asks for.
const membersAtOnce = 500

// projects lists of which projects users are members.
func (l *live) projects(ctx context.Context, users []int64) (map[int64]map[int64]bool, error) {
	found := map[int64]map[int64]bool{}
	for some := range slices.Chunk(users, membersAtOnce) {
		page, err := l.s.st.Projects().Members().List(ctx, store.AnyScope, store.Query{Where: map[string]any{"user_id": some}, Limit: -1})
		if err != nil {
			return nil, err
		}
		for _, m := range page.Items {
			if found[m.UserID] == nil {
				found[m.UserID] = map[int64]bool{}
			}
			found[m.UserID][m.ProjectID] = true
		}
	}
	return found, nil
}

// recovered keeps a fault in one goroutine from ending the server.
func (l *live) recovered(what string) {
	if p := recover(); p != nil {
		l.s.log.Error("panic", slog.String("in", what), slog.Any("panic", p))
	}
}
