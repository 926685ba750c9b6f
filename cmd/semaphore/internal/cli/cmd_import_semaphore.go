package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/open"
)

// importSemaphoreOptions are the flags of import-semaphore.
type importSemaphoreOptions struct {
	global    *globalFlags
	from      string
	toConfig  string
	checkouts string
	report    string
	dryRun    bool
	noTasks   bool
	noLogs    bool
	noEvents  bool
}

func newImportSemaphoreCommand(g *globalFlags) *cobra.Command {
	opts := importSemaphoreOptions{global: g}
	cmd := &cobra.Command{
		Use:   "import-semaphore --config FILE",
		Short: "Fill an empty database with an installation of Semaphore UI",
		Long: `Fill an empty database with an installation of Semaphore UI: SQLite, BoltDB,
PostgreSQL, MySQL or MariaDB, which is only read. --config is the configuration
of the old installation; it says where its database is and with which key its
secrets are sealed.

The new database is the one of --to-config. Without it, it is semaphore.db in
data_dir, with the key of the old configuration. Stop both servers first. All of it
is there in one step in the end; a second run finds that and does nothing.`,
		Args: noArgs,
		RunE: untilSignal(func(cmd *cobra.Command, _ []string) error {
			return runImportSemaphore(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	f := cmd.Flags()
	f.StringVar(&opts.from, "from", "", "`FILE or URL` of the old database, in place of what the configuration says")
	f.StringVar(&opts.toConfig, "to-config", "", "configuration `FILE` of the new server")
	f.StringVar(&opts.checkouts, "checkouts", "", "`DIR` of the old checkouts, whose Terraform states are taken over (default: tmp_path of the old configuration)")
	f.StringVar(&opts.report, "report", "", "`FILE` for the report as JSON, which must not be there yet")
	f.BoolVar(&opts.dryRun, "dry-run", false, "read and check everything, tell what would be done, and write nothing")
	f.BoolVar(&opts.noTasks, "no-tasks", false, "leave tasks and their output out")
	f.BoolVar(&opts.noLogs, "no-logs", false, "leave the output of tasks out")
	f.BoolVar(&opts.noEvents, "no-events", false, "leave events out")
	return cmd
}

func runImportSemaphore(ctx context.Context, opts importSemaphoreOptions, out, errs io.Writer) error {
	if opts.report == "" {
		return importSemaphore(ctx, opts, out, io.Discard, errs)
	}
	// A report that could not be written is better known before the import, for a
	// second one has nothing to tell; and a file of that name may be the first's.
	return writeNew(opts.report, func(report io.Writer) error {
		return importSemaphore(ctx, opts, out, report, errs)
	})
}

func importSemaphore(ctx context.Context, opts importSemaphoreOptions, out, report, errs io.Writer) (err error) {
	old, loaded, err := opts.global.load(errs)
	if err != nil {
		return err
	}
	cfg, err := opts.target(old, errs)
	if err != nil {
		return err
	}
	source, err := oldSource(old, opts.from)
	if err != nil {
		return err
	}
	i, err := foreign.Open(ctx, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	if opts.checkouts == "" {
		opts.checkouts = oldCheckouts(old, loaded)
	}
	st, ring, done, err := opts.openTarget(ctx, cfg, errs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	show := newProgressLine(errs)
	rep, err := i.Import(ctx, st, ring, foreign.Options{
		DryRun: opts.dryRun, NoTasks: opts.noTasks, NoLogs: opts.noLogs, NoEvents: opts.noEvents, Checkouts: opts.checkouts,
		Progress: func(kind string, rows int64) { show.tell(export.Progress{Table: kind, Rows: rows}) },
	})
	show.end()
	if err != nil {
		return err
	}
	if err := rep.Write(out); err != nil {
		return err
	}
	if !rep.Already {
		showNextSteps(out, cfg, rep)
	}
	enc := json.NewEncoder(report)
	enc.SetIndent("", "  ")
	if err := enc.Encode(rep); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// target is the configuration of the new server. Where none is given, it is the
// old one with another database.
func (o importSemaphoreOptions) target(old *config.Config, errs io.Writer) (*config.Config, error) {
	if o.toConfig == "" {
		cfg := *old
		cfg.Dialect, cfg.SQLite, cfg.Container.DBPath = "sqlite", config.DB{}, ""
		return &cfg, nil
	}
	cfg, report, err := config.Load(config.Options{File: o.toConfig})
	for _, w := range report.Warnings {
		fmt.Fprintln(errs, "semaphore: warning:", w)
	}
	return cfg, err
}

// openTarget opens the new database. A dry run makes none, and no key.
func (o importSemaphoreOptions) openTarget(ctx context.Context, cfg *config.Config, errs io.Writer) (_ store.Store, _ *crypto.Ring, done func() error, err error) {
	if !o.dryRun {
		st, err := openStore(ctx, cfg, errs)
		if err != nil {
			return nil, nil, nil, err
		}
		ring, err := openRing(ctx, cfg, st, errs)
		if err != nil {
			return nil, nil, nil, errors.Join(err, st.Close())
		}
		return st, ring, st.Close, nil
	}
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		return nil, nil, nil, err
	}
	if file, is := cfg.StoreFile(); is {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			st, done, err := openScratch(ctx, cfg, errs)
			return st, ring, done, err
		}
	}
	st, err := openStore(ctx, cfg, errs)
	if err != nil {
		return nil, nil, nil, err
	}
	return st, ring, st.Close, nil
}

// openScratch opens a database that is gone afterwards.
func openScratch(ctx context.Context, cfg *config.Config, errs io.Writer) (store.Store, func() error, error) {
	dir, err := os.MkdirTemp("", "semaphore-import-*")
	if err != nil {
		return nil, nil, err
	}
	st, err := open.Open(ctx, "sqlite:"+filepath.ToSlash(filepath.Join(dir, "check.db")), open.Config{Log: newLog(cfg, errs)})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return st, func() error { return errors.Join(st.Close(), os.RemoveAll(dir)) }, nil
}

// showNextSteps prints what the configuration of the new server needs.
func showNextSteps(out io.Writer, cfg *config.Config, rep foreign.Report) {
	dirs := map[string][]string{}
	if len(rep.LocalRepositories) > 0 {
		dirs["repos_path"] = rep.LocalRepositories
	}
	if len(rep.AbsolutePaths) > 0 {
		dirs["allowed_paths"] = rep.AbsolutePaths
	}
	if len(dirs) > 0 {
		text, err := json.Marshal(dirs)
		if err == nil {
			fmt.Fprintf(out, "add to the configuration, so that these directories may be used:\n  \"dirs\": %s\n", text)
		}
	}
	if file, is := cfg.StoreFile(); is {
		fmt.Fprintf(out, "the new server's configuration needs:\n  \"dialect\": \"sqlite\", \"sqlite\": {\"host\": %q}\n", file)
	}
	fmt.Fprintf(out, "took %s\n", rep.Ended.Sub(rep.Began).Round(time.Millisecond))
}
