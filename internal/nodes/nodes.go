// Package nodes keeps the list of servers that share a database: each writes
// down every few seconds that it is there.
package nodes

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Prefix is that of the options that the list is kept in.
const Prefix = store.NodeOptions

// Times of the list.
const (
	Beat   = 5 * time.Second  // how often a server writes
	Dead   = 15 * time.Second // without a word so long, it counts as gone
	forget = time.Hour        // and is left out of the list
)

// Node is a server.
type Node struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Alive   bool      `json:"alive"`
	// Draining tells that it takes no tasks of its own any more. Others learn of it
	// with the next beat.
	Draining bool `json:"draining,omitempty"`
}

// Config is what a server says of itself.
type Config struct {
	Version  string
	Draining func() bool      // Defaults to never.
	Log      *slog.Logger     // Defaults to slog.Default().
	Now      func() time.Time // Defaults to time.Now.
}

// Registry is one server's hand on the list.
type Registry struct {
	st       store.Store
	self     Node
	draining func() bool
	log      *slog.Logger
	now      func() time.Time
	sights   sights
}

// New returns a registry for a server that starts now. It writes nothing yet.
func New(st store.Store, cfg Config) *Registry {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Draining == nil {
		cfg.Draining = func() bool { return false }
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &Registry{
		st: st, log: cmp.Or(cfg.Log, slog.Default()), now: cfg.Now, draining: cfg.Draining,
		self: Node{ID: strings.ToLower(rand.Text()[:12]), Host: host, Version: cfg.Version},
	}
}

// Run writes this server down until ctx ends, and takes it off the list then.
func (r *Registry) Run(ctx context.Context) {
	r.self.Started = r.now().UTC()
	if err := r.tidy(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("tidy the list of servers", slog.Any("error", err))
	}
	ticker := time.NewTicker(Beat)
	defer ticker.Stop()
	for {
		if err := r.beat(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("write down that this server is there", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			r.leave(ctx)
			return
		case <-ticker.C:
		}
	}
}

func (r *Registry) beat(ctx context.Context) error {
	r.self.Seen, r.self.Draining = r.now().UTC(), r.draining()
	text, err := json.Marshal(r.self)
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if err := r.st.Options().Set(ctx, Prefix+r.self.ID, string(text)); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	_, err = r.List(ctx) // so that it is known who has written since
	return err
}

func (r *Registry) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := r.st.Options().Set(ctx, Prefix+r.self.ID, ""); err != nil {
		r.log.Warn("leave the list of servers", slog.Any("error", err))
	}
}

// tidy takes servers off the list that are long gone.
func (r *Registry) tidy(ctx context.Context) error {
	all, err := r.all(ctx)
	if err != nil {
		return err
	}
	for _, n := range all {
		if r.now().Sub(n.Seen) < forget {
			continue
		}
		if err := r.st.Options().Set(ctx, Prefix+n.ID, ""); err != nil {
			return fmt.Errorf("forget server: %w", err)
		}
	}
	return nil
}

// all lists everything that is written down.
func (r *Registry) all(ctx context.Context) ([]Node, error) {
	options, err := r.st.Options().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list of servers: %w", err)
	}
	var list []Node
	for name, text := range options {
		id, ok := strings.CutPrefix(name, Prefix)
		if !ok {
			continue
		}
		var n Node
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			continue // written by a version that writes otherwise
		}
		n.ID = id
		list = append(list, n)
	}
	return list, nil
}

// List returns the servers, the newest first, without those that are long gone.
// Their clocks may differ: what counts is when this one saw them write.
func (r *Registry) List(ctx context.Context) ([]Node, error) {
	all, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	list := []Node{}
	now := r.now()
	at := r.sights.look(all, now)
	for _, n := range all {
		age := now.Sub(at[n.ID])
		n.Alive = age < Dead
		if n.ID == r.self.ID {
			n.Draining = r.draining()
		}
		if age < forget {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b Node) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}
