package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// migrateOptions are the flags of migrate.
type migrateOptions struct {
	global     *globalFlags
	applyTo    string
	undoTo     string
	fromBolt   string
	errLogSize int
	skipOutput bool
}

func newMigrateCommand(g *globalFlags) *cobra.Command {
	opts := migrateOptions{global: g}
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the form that this version needs",
		Long: `Bring the database to the form that this version needs, and make it where there
is none. Every command and the server do the same when they open it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runMigrate(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.applyTo, "apply-to", "", "not supported: migrations go to the newest form")
	f.StringVar(&opts.undoTo, "undo-to", "", "not supported: migrations go forward only")
	f.StringVar(&opts.fromBolt, "from-boltdb", "", "not supported: use import-semaphore")
	f.IntVar(&opts.errLogSize, "err-log-size", 0, "without effect")
	f.BoolVar(&opts.skipOutput, "skip-task-output", false, "without effect")
	return cmd
}

func runMigrate(ctx context.Context, opts migrateOptions, out, errs io.Writer) error {
	switch {
	case opts.undoTo != "":
		return usage("--undo-to: migrations go forward only: bring back the backup that was made before the update, and run the older version")
	case opts.applyTo != "":
		return usage("--apply-to: migrations always go to the newest form, one transaction each: leave the flag out")
	case opts.fromBolt != "":
		return usage("--from-boltdb: the database of a Semaphore UI is read by import-semaphore, which writes a new one")
	}
	cfg, _, err := opts.global.load(errs)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, errs)
	if err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	fmt.Fprintln(out, "the database is up to date")
	return nil
}
