// Package server runs the server of the command line: it fills the front door
// from a configuration, listens, and stops in order.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore"
	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// Options say what to run.
type Options struct {
	Config *config.Config
	Store  store.Store // stays open
	Ring   *crypto.Ring
	Demo   bool // make the demo project
	Notes  io.Writer
	Log    *slog.Logger
	// Version is what /api/info tells.
	Version string
	// Hurry cuts a shut-down short when it is closed. Optional.
	Hurry <-chan struct{}
	// Drain takes no more tasks for true, and takes them again for false. Optional.
	Drain <-chan bool
	// Ready is told where the server can be reached from this machine. Optional.
	Ready func(url string)
}

// Run serves until ctx ends. Then nothing more is claimed, running tasks get
// their grace while reads go on, and the listeners close last.
func Run(ctx context.Context, o Options) (err error) {
	st, release, err := own(ctx, o.Store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	o.Store = st
	if err := o.checkKey(ctx); err != nil {
		return err
	}
	life, leave, err := begin(ctx, o.Config.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	settings, err := fill(ctx, o)
	if err != nil {
		return err
	}
	links, err := linkDir(settings.Dir)
	if err != nil {
		return err
	}
	defer os.Remove(links) //nolint:errcheck // what is in use stays
	settings.Local.LinkDir = links
	settings.Pool.Incarnation, settings.Pool.Dead = life.self, life.dead
	app, err := semaphore.New(settings)
	if err != nil {
		return err
	}
	front, err := newFront(ctx, o.Config, app.Handler(), o.Log)
	if err != nil {
		return err
	}
	if err := o.prepare(ctx, app); err != nil {
		return errors.Join(err, front.close(ctx))
	}
	front.serve()
	o.announce(front)
	err = o.work(ctx, app, front)
	return errors.Join(err, app.Close(), front.close(ctx))
}

// prepare makes what a fresh installation needs, and says so.
func (o Options) prepare(ctx context.Context, app *semaphore.App) error {
	c := o.Config.Container
	want := store.User{Username: c.Admin, Name: c.AdminName, Email: c.AdminEmail}
	admin, made, err := app.FirstAdmin(ctx, want, c.AdminPassword.Reveal())
	if err != nil {
		return err
	}
	if made != "" {
		fmt.Fprintf(o.Notes, "semaphore: made the administrator %q with the password %s (shown once)\n", admin.Username, made)
	}
	if c.ImportFile != "" {
		report, err := importFirst(ctx, app.Pool(), c.ImportFile, c.ImportName, admin.ID)
		if err != nil {
			return err
		}
		if report != nil {
			fmt.Fprintf(o.Notes, "semaphore: made the project %q of %s\n", report.Project.Name, c.ImportFile)
			for _, line := range report.Lines() {
				fmt.Fprintln(o.Notes, "semaphore:", line)
			}
		}
	}
	if !o.Demo {
		return nil
	}
	project, err := makeDemo(ctx, app.Pool(), o.Config.DataDir, admin.ID, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Notes, "semaphore: the project %q is there to try: its tasks really run\n", project.Name)
	return nil
}

// announce says where the server is: the address that people use, and where it
// listens if that is another one.
func (o Options) announce(f *front) {
	public := strings.TrimRight(o.Config.WebHost, "/")
	if public == "" {
		fmt.Fprintf(o.Notes, "semaphore: serving %s (stop with Ctrl-C)\n", f.url)
	} else {
		fmt.Fprintf(o.Notes, "semaphore: serving %s at %s (stop with Ctrl-C)\n", public, f.url)
	}
	if o.Ready != nil {
		o.Ready(f.url)
	}
}

// work runs the pool until ctx ends or a listener fails.
func (o Options) work(ctx context.Context, app *semaphore.App, f *front) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	for hurry := o.Hurry; ; {
		select {
		case err := <-done:
			if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
				return cause
			}
			return err
		case err := <-f.errs:
			stop(err)
		case <-hurry:
			hurry = nil
			app.Pool().Hurry()
		case on := <-o.Drain:
			o.drain(app, on)
		}
	}
}

// drain has the pool take no tasks, or take them again.
func (o Options) drain(app *semaphore.App, on bool) {
	if on {
		app.Pool().Drain()
		o.Log.Info("drained: no more tasks are taken, everything else is served")
		return
	}
	app.Pool().Undrain()
	o.Log.Info("tasks are taken again")
}
