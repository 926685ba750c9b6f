// Package pooltest gives unit tests a pool of their own: a store in memory, a
// scripted executor that needs no tool, and a project to launch tasks in.
package pooltest

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// Pool is a running pool in memory with a project.
type Pool struct {
	*pool.TaskPool
	Project store.Project
	Fake    *jobtest.Fake // what runs the tasks, unless Options names another executor

	tb testing.TB
}

// Options configure a Pool. The zero value is usable.
type Options struct {
	// Script says what a task does. Defaults to success without a line.
	Script func(*job.Spec) jobtest.Script
	// Executor runs the tasks in place of the scripted one.
	Executor job.Executor
	// Config is changed as the test likes; Ring and Executor are set here.
	Config pool.Config
	// Store is used in place of one in memory.
	Store store.Store
	// Idle does not run the pool: tasks only wait. [Pool.Start] runs it.
	Idle bool
}

// New makes a pool and runs it until the test ends.
func New(tb testing.TB, o Options) *Pool {
	tb.Helper()
	p := &Pool{Fake: &jobtest.Fake{Script: o.Script}, tb: tb}
	cfg := o.Config
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if o.Store == nil {
		o.Store = memory.New(memory.Config{Now: cfg.Now})
	}
	if cfg.Ring == nil {
		ring, err := crypto.NewRing(crypto.GenerateKey())
		p.ok(err)
		cfg.Ring = ring
	}
	cfg.Executor = p.Fake
	if o.Executor != nil {
		cfg.Executor = o.Executor
	}
	var err error
	p.TaskPool, err = pool.New(o.Store, cfg)
	p.ok(err)
	p.Project, err = o.Store.Projects().Create(tb.Context(), store.Project{Name: "test"})
	p.ok(err)
	if !o.Idle {
		p.Start()
	}
	return p
}

func (p *Pool) ok(err error) {
	p.tb.Helper()
	if err != nil {
		p.tb.Fatal(err)
	}
}

// Start runs the pool until the test ends or the returned function is called,
// which waits for it.
func (p *Pool) Start() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.tb.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); err != nil && ctx.Err() == nil {
			p.tb.Errorf("pool: %v", err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	p.tb.Cleanup(stop)
	return stop
}

// Template makes a template with a repository: a bash script, unless t says
// something else.
func (p *Pool) Template(t store.Template) store.Template {
	p.tb.Helper()
	if t.App == "" {
		t.App = "bash"
	}
	if t.Playbook == "" {
		t.Playbook = "run.sh"
	}
	if t.Name == "" {
		t.Name = t.Playbook
	}
	b := pool.Blueprint{Project: p.Project.Name, Template: t, Repository: store.Repository{Name: "code", GitURL: "https://git.example.org/code.git", GitBranch: "main"}}
	if t.App == "ansible" && t.InventoryID == nil {
		b.Inventory = &store.Inventory{Name: "hosts", Type: store.InventoryStatic, Inventory: "localhost ansible_connection=local"}
	}
	made, err := p.Ensure(p.tb.Context(), b)
	p.ok(err)
	return made
}

// Add launches a task of a template, as somebody who may manage resources.
func (p *Pool) Add(t store.Template, change ...func(*store.Task)) store.Task {
	p.tb.Helper()
	r := pool.AddRequest{Task: store.Task{ProjectID: t.ProjectID, TemplateID: t.ID}, By: pool.Caller{Manage: true}}
	for _, f := range change {
		f(&r.Task)
	}
	task, err := p.AddTask(p.tb.Context(), r)
	p.ok(err)
	return task
}

// Await waits until a task is in one of the states, and fails the test if it
// ends in another one.
func (p *Pool) Await(task store.Task, states ...store.Status) store.Task {
	p.tb.Helper()
	topic := pool.Topic{ProjectID: task.ProjectID, TaskID: task.ID, NoLines: true}
	sub := p.Subscribe(topic)
	defer func() { sub.Close() }()
	poll := time.NewTicker(100 * time.Millisecond) // for what another pool does
	defer poll.Stop()
	for {
		now, err := p.Task(p.tb.Context(), task.ProjectID, task.ID)
		p.ok(err)
		if slices.Contains(states, now.Status) {
			return now
		}
		if now.Status.Finished() {
			p.tb.Fatalf("task %d ended as %s (%s)", now.ID, now.Status, now.Reason)
		}
		select {
		case _, open := <-sub.C:
			if !open { // cut, for being slow
				sub = p.Subscribe(topic)
			}
		case <-poll.C:
		case <-p.tb.Context().Done():
			p.tb.Fatal("the test ended")
		}
	}
}

// Log returns the text of a task's output.
func (p *Pool) Log(task store.Task) []string {
	p.tb.Helper()
	page, err := p.Output(p.tb.Context(), task.ProjectID, task.ID, 0, 100000)
	p.ok(err)
	lines := make([]string, len(page.Lines))
	for i, l := range page.Lines {
		lines[i] = l.Text
	}
	return lines
}
