package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store/open"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

// backupOptions are the flags of backup.
type backupOptions struct {
	global *globalFlags
	to     string
}

func newBackupCommand(g *globalFlags) *cobra.Command {
	opts := backupOptions{global: g}
	cmd := &cobra.Command{
		Use:   "backup --to FILE",
		Short: "Copy the database file while servers work with it",
		Long: `Copy the database file as it is at one moment, while servers go on working with
it, and check the copy from end to end. Keep the key of the secrets
(access_key_encryption or access.key) apart from it: a copy is of no use without.

PostgreSQL has tools of its own for this: pg_dump and pg_basebackup.`,
		Args: noArgs,
		RunE: untilSignal(func(cmd *cobra.Command, _ []string) error {
			return runBackup(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	cmd.Flags().StringVar(&opts.to, "to", "", "`FILE` to write, which must not be there yet")
	return cmd
}

func runBackup(ctx context.Context, opts backupOptions, out, errs io.Writer) error {
	if opts.to == "" {
		return usage("--to: name the file to write")
	}
	path, cfg, err := opts.global.databaseFile("backup", errs)
	if err != nil {
		return err
	}
	c, err := sqlite.Backup(ctx, path, opts.to, sqlite.Config{Log: newLog(cfg, errs)})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d bytes written to %s and checked\n", c.Bytes, opts.to)
	return nil
}

// restoreOptions are the flags of restore.
type restoreOptions struct {
	global *globalFlags
	from   string
	goOn   bool
}

func newRestoreCommand(g *globalFlags) *cobra.Command {
	opts := restoreOptions{global: g}
	cmd := &cobra.Command{
		Use:   "restore --from FILE",
		Short: "Put a copy made by backup in the place of the database file",
		Long: `Put a copy made by backup in the place of the database file, once all of it was
checked. Stop the server first. The database that was there is kept beside it,
with .before- and the time behind its name.

Tasks that waited or ran when the copy was made may have run since: they are ended,
so that nothing runs twice. --go-on keeps them, for a copy after which no server
has worked any more, as when an installation moves to another machine.`,
		Args: noArgs,
		RunE: untilSignal(func(cmd *cobra.Command, _ []string) error {
			return runRestore(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	cmd.Flags().StringVar(&opts.from, "from", "", "`FILE` to read")
	cmd.Flags().BoolVar(&opts.goOn, "go-on", false, "let tasks that waited or ran when the copy was made go on")
	return cmd
}

func runRestore(ctx context.Context, opts restoreOptions, out, errs io.Writer) error {
	if opts.from == "" {
		return usage("--from: name the file to read")
	}
	path, cfg, err := opts.global.databaseFile("restore", errs)
	if err != nil {
		return err
	}
	c, err := sqlite.Restore(ctx, path, opts.from, sqlite.RestoreOptions{Config: sqlite.Config{Log: newLog(cfg, errs)}, GoOn: opts.goOn})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "restored %s from %s\n", path, opts.from)
	if c.Ended > 0 {
		fmt.Fprintf(out, "%d tasks waited or ran when the copy was made: they are ended (--go-on keeps them)\n", c.Ended)
	}
	if c.Kept != "" {
		fmt.Fprintln(out, "what was there is in", c.Kept)
	}
	return nil
}

// databaseFile returns the configured database file. A database that is none has
// tools of its own.
func (g *globalFlags) databaseFile(what string, errs io.Writer) (string, *config.Config, error) {
	cfg, _, err := g.load(errs)
	if err != nil {
		return "", nil, err
	}
	url, err := cfg.StoreURL()
	if err != nil {
		return "", nil, err
	}
	if !strings.HasPrefix(url, "sqlite:") {
		return "", nil, vendorTool(what)
	}
	path, err := open.File(url)
	if err != nil {
		return "", nil, err
	}
	return path, cfg, nil
}
