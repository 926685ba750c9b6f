package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/cmd/internal/signals"
	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/server"
)

// serverOptions are the flags of `semaphore server`.
type serverOptions struct {
	global  *globalFlags
	demo    bool
	dataDir string
	port    string
	ready   func(url string) // for tests
}

func newServerCommand(streams Streams, g *globalFlags) *cobra.Command {
	o := serverOptions{global: g}
	cmd := &cobra.Command{
		Use:     "server",
		Aliases: []string{"service"},
		Short:   "Serve the API and run tasks",
		Long: `Serve the API and run tasks.

On an empty data directory it makes the database (SQLite), the key that seals
secrets, and an administrator, whose password is printed once.

Ctrl-C or TERM stops it: nothing more is started, running tasks get
shutdown_grace_sec to end, and are then stopped. A second one hurries.

USR1 drains it: it takes no more tasks and serves everything else on. USR2 takes
that back.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), streams) },
	}
	cmd.Flags().BoolVar(&o.demo, "demo", false, "make a project whose tasks can be tried at once")
	cmd.Flags().StringVar(&o.dataDir, "data-dir", "", "`DIR` of database, key and work (data_dir)")
	cmd.Flags().StringVar(&o.port, "port", "", "`PORT` to listen on, 0 for any free one (port)")
	return cmd
}

func (o serverOptions) run(ctx context.Context, streams Streams) (err error) {
	over, err := o.variables()
	if err != nil {
		return err
	}
	cfg, _, err := o.global.load(streams.Err, over...)
	if err != nil {
		return err
	}
	ctx, hurry, stop := signals.Until(ctx)
	defer stop()
	drain, stopDrain := signals.Drain()
	defer stopDrain()
	st, err := openStore(ctx, cfg, streams.Err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := refuseUnmoved(ctx, cfg, st); err != nil {
		return err
	}
	ring, err := openRing(ctx, cfg, st, streams.Err)
	if err != nil {
		return err
	}
	return server.Run(ctx, server.Options{
		Config: cfg, Store: st, Ring: ring, Demo: o.demo, Notes: streams.Out, Log: newLog(cfg, streams.Err),
		Version: version(), Hurry: hurry, Drain: drain, Ready: o.ready,
	})
}

// variables are what the flags put over the environment.
func (o serverOptions) variables() ([]string, error) {
	var over []string
	if o.dataDir != "" {
		dir, err := filepath.Abs(o.dataDir)
		if err != nil {
			return nil, usage("--data-dir: %v", err)
		}
		over = append(over, "SEMAPHORE_DATA_DIR="+dir)
	}
	if o.port != "" {
		if _, err := strconv.ParseUint(strings.TrimPrefix(o.port, ":"), 10, 16); err != nil {
			return nil, usage("--port: a number up to 65535 is expected, 0 for any free port")
		}
		over = append(over, "SEMAPHORE_PORT="+o.port)
	}
	return over, nil
}
