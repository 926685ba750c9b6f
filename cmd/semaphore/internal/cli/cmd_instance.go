package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// exportOptions are the flags of export.
type exportOptions struct {
	global   *globalFlags
	to       string
	noLogs   bool
	noTasks  bool
	noEvents bool
}

func newExportCommand(g *globalFlags) *cobra.Command {
	opts := exportOptions{global: g}
	cmd := &cobra.Command{
		Use:   "export --to FILE",
		Short: "Write everything in the database into an archive",
		Long: `Write everything in the database into an archive, which import reads into an
empty database of any kind. Servers may go on working meanwhile.

Secrets stay sealed: the other side needs the same access_key_encryption. Not in
the archive are sessions, messages that are still to be sent, and plans that wait
for confirmation. Tasks that have not ended are in it as ended, so that none runs
twice: let them end first, or stop the server, where that matters.`,
		Args: noArgs,
		RunE: untilSignal(func(cmd *cobra.Command, _ []string) error {
			return runExport(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	f := cmd.Flags()
	f.StringVar(&opts.to, "to", "", "`FILE` to write, which must not be there yet")
	f.BoolVar(&opts.noLogs, "no-logs", false, "leave the output of tasks out")
	f.BoolVar(&opts.noTasks, "no-tasks", false, "leave tasks and their output out")
	f.BoolVar(&opts.noEvents, "no-events", false, "leave events out")
	return cmd
}

func runExport(ctx context.Context, opts exportOptions, out, errs io.Writer) error {
	if opts.to == "" {
		return usage("--to: name the file to write")
	}
	cfg, _, err := opts.global.load(errs)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, errs)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // nothing was written to it
	ring, err := ringIfAny(cfg)
	if err != nil {
		return err
	}
	show := newProgressLine(errs)
	var report export.InstanceReport
	err = writeNew(opts.to, func(w io.Writer) error {
		report, err = export.WriteInstance(ctx, st, w, export.InstanceOptions{
			Ring: ring, NoLogs: opts.noLogs, NoTasks: opts.noTasks, NoEvents: opts.noEvents, Program: version(), Progress: show.tell,
		})
		return err
	})
	show.end()
	if err != nil {
		return err
	}
	showReport(out, report)
	if report.Ended > 0 {
		fmt.Fprintf(out, "%d tasks that have not ended are in it as ended: they do not run again\n", report.Ended)
	}
	fmt.Fprintln(out, "written to", opts.to)
	return nil
}

// ringIfAny returns the configured keys, nil where there are none.
func ringIfAny(cfg *config.Config) (*crypto.Ring, error) {
	ring, err := cfg.Ring()
	if errors.Is(err, config.ErrNoKey) {
		return nil, nil
	}
	return ring, err
}

// writeNew writes a file that gets its name once it is complete and on the disk.
func writeNew(name string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s is there already: choose another name", name), err)
	}
	// Of two that write the same name, each has a file of its own.
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".partial-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, pathError(err))
	}
	if err = errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(f.Name()))
	}
	if dir, err := os.Open(filepath.Dir(name)); err == nil { // where a directory can be synced
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}

// importOptions are the flags of import.
type importOptions struct {
	global *globalFlags
	from   string
	dryRun bool
}

func newImportCommand(g *globalFlags) *cobra.Command {
	opts := importOptions{global: g}
	cmd := &cobra.Command{
		Use:   "import --from FILE",
		Short: "Fill an empty database with an archive of export",
		Long: `Fill an empty database with an archive of export, whatever kind of database it
came from. No server may work on the database. The configuration needs the keys
that the secrets are sealed with: access_key_encryption of the other side.

All of it is checked before any of it can be seen, and then it is there in one
step: after an error or a crash the database is as it was.`,
		Args: noArgs,
		RunE: untilSignal(func(cmd *cobra.Command, _ []string) error {
			return runImport(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	cmd.Flags().StringVar(&opts.from, "from", "", "`FILE` to read")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "check everything, tell what is in it, and change nothing")
	return cmd
}

func runImport(ctx context.Context, opts importOptions, out, errs io.Writer) error {
	if opts.from == "" {
		return usage("--from: name the file to read")
	}
	cfg, _, err := opts.global.load(errs)
	if err != nil {
		return err
	}
	f, err := os.Open(opts.from)
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	defer f.Close()
	ring, err := ringIfAny(cfg)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, errs)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // the import tells whether it is written
	show := newProgressLine(errs)
	report, err := export.ReadInstance(ctx, st, f, export.ReadInstanceOptions{Ring: ring, DryRun: opts.dryRun, Progress: show.tell})
	show.end()
	var missing *crypto.MissingKeyError
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%w: it is access_key_encryption of where the archive comes from, or the file %s there", err, filepath.Base(cfg.KeyFile()))
	case err != nil:
		return err
	}
	showReport(out, report)
	if opts.dryRun {
		fmt.Fprintln(out, "the archive is whole and fits: nothing was changed")
		return nil
	}
	fmt.Fprintln(out, "imported from", opts.from)
	return nil
}

// showReport lists what is in an archive.
func showReport(out io.Writer, r export.InstanceReport) {
	for _, table := range slices.Sorted(maps.Keys(r.Tables)) {
		fmt.Fprintf(out, "%-24s %d\n", table, r.Tables[table])
	}
	fmt.Fprintf(out, "%d rows, made %s\n", r.Rows, r.Created.Format("2006-01-02 15:04:05 MST"))
}

// vendorTool is an error for databases that have tools of their own.
func vendorTool(what string) error {
	return fmt.Errorf("%s copies SQLite files only: for PostgreSQL use pg_dump and pg_restore, or pg_basebackup: %w", what, store.ErrInvalid)
}
