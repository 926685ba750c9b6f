package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// projectOptions are the flags of the commands about projects. A command has
// those that it needs.
type projectOptions struct {
	global         *globalFlags
	id             int64
	name           string
	file           string
	dir            string
	owner          string
	encrypt        bool
	passphraseFile string
	recipient      string
	identityFile   string
}

func newProjectCommand(g *globalFlags, streams Streams) *cobra.Command {
	return newGroup("projects", []string{"project"}, "Work on projects",
		newProjectExportCommand(g, streams), newProjectImportCommand(g, streams), newProjectKeyCommand())
}

// projectDesk is what a command about projects works with.
type projectDesk struct {
	cfg  *config.Config
	st   store.Store
	in   *asker
	out  io.Writer
	errs io.Writer
}

// withProjects runs f on an opened database.
func withProjects(opts *projectOptions, streams Streams, f func(ctx context.Context, d *projectDesk) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		cfg, _, err := opts.global.load(streams.Err)
		if err != nil {
			return err
		}
		st, err := openStore(cmd.Context(), cfg, streams.Err)
		if err != nil {
			return err
		}
		d := &projectDesk{cfg: cfg, st: st, in: &asker{in: streams.In, out: streams.Err}, out: streams.Out, errs: streams.Err}
		return errors.Join(f(cmd.Context(), d), st.Close())
	}
}

func newProjectExportCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := &projectOptions{global: g}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a backup of a project",
		Long: `Write a backup of a project, in the form of Semaphore UI and without secrets.

With --encrypt, --passphrase-file or --recipient the backup is encrypted and holds
the secrets too. Its file has to end in ` + export.EncryptedExtension + `. 'semaphore project key' makes a
pair of keys: --recipient takes the public one.

A server may run meanwhile.`,
		Args: noArgs,
		RunE: withProjects(opts, streams, func(ctx context.Context, d *projectDesk) error {
			return exportProject(ctx, *opts, d)
		}),
	}
	f := cmd.Flags()
	f.Int64Var(&opts.id, "project-id", 0, "`ID` of the project")
	f.StringVar(&opts.name, "project-name", "", "`NAME` of the project, in letters of either case")
	f.StringVar(&opts.file, "file", "", "`FILE` to write (default: the output)")
	f.BoolVar(&opts.encrypt, "encrypt", false, "encrypt with a passphrase, which is asked for or the first line of the input")
	f.StringVar(&opts.passphraseFile, "passphrase-file", "", "`FILE` with the passphrase to encrypt with")
	f.StringVar(&opts.recipient, "recipient", "", "public `KEY` to encrypt for")
	return cmd
}

func exportProject(ctx context.Context, opts projectOptions, d *projectDesk) error {
	sealed := opts.encrypt || opts.passphraseFile != "" || opts.recipient != ""
	switch ends := strings.HasSuffix(opts.file, export.EncryptedExtension); {
	case opts.recipient != "" && (opts.encrypt || opts.passphraseFile != ""):
		return usage("--recipient excludes a passphrase")
	case opts.file != "" && sealed && !ends:
		return usage("--file: the name of an encrypted backup ends in %s", export.EncryptedExtension)
	case ends && !sealed:
		return usage("--file: names that end in %s are for encrypted backups: add --encrypt, or choose another name", export.EncryptedExtension)
	}
	p, err := d.find(ctx, opts)
	if err != nil {
		return err
	}
	var with export.ProjectOptions
	var lock export.BackupLock
	if sealed {
		if lock, err = d.lock(opts); err != nil {
			return err
		}
		if with.Secrets, err = openRing(ctx, d.cfg, d.st, d.errs); err != nil {
			return err
		}
	}
	b, err := export.Project(ctx, d.st, p.ID, with)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		if sealed {
			return b.Encrypt(w, lock)
		}
		return b.Encode(w)
	}
	if opts.file == "" || opts.file == "-" {
		return write(d.out)
	}
	if err := writeWhole(opts.file, write); err != nil {
		return err
	}
	fmt.Fprintf(d.errs, "semaphore: project %q is in %s\n", p.Name, opts.file)
	return nil
}

// lock reads what an encrypted backup is closed with.
func (d *projectDesk) lock(opts projectOptions) (export.BackupLock, error) {
	if opts.recipient != "" {
		return export.BackupLock{Recipient: opts.recipient}, nil
	}
	passphrase, err := d.passphrase(opts)
	return export.BackupLock{Passphrase: passphrase}, err
}

func (d *projectDesk) passphrase(opts projectOptions) (string, error) {
	if opts.passphraseFile == "" {
		text, err := d.in.password("Passphrase of the backup")
		if err != nil {
			return "", usage("a passphrase is needed: give it in --passphrase-file, or as the first line of the input")
		}
		return text, nil
	}
	secret, err := secretFile("--passphrase-file", opts.passphraseFile)
	if err != nil {
		return "", err
	}
	if secret.Reveal() == "" {
		return "", usage("--passphrase-file: %s is empty", opts.passphraseFile)
	}
	return secret.Reveal(), nil
}

// find returns the project of --project-id or --project-name.
func (d *projectDesk) find(ctx context.Context, opts projectOptions) (store.Project, error) {
	switch {
	case (opts.id == 0) == (opts.name == ""):
		return store.Project{}, usage("either --project-id or --project-name is needed")
	case opts.id != 0:
		p, err := d.st.Projects().Get(ctx, 0, opts.id)
		if errors.Is(err, store.ErrNotFound) {
			return p, fmt.Errorf("there is no project %d", opts.id)
		}
		return p, err
	}
	page, err := d.st.Projects().List(ctx, 0, store.Query{Search: opts.name, Limit: -1})
	if err != nil {
		return store.Project{}, fmt.Errorf("look for the project: %w", err)
	}
	var found []store.Project
	for _, p := range page.Items {
		if strings.EqualFold(p.Name, opts.name) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return store.Project{}, fmt.Errorf("there is no project %q", opts.name)
	case 1:
		return found[0], nil
	default:
		return store.Project{}, usage("%d projects are called %q: choose one by --project-id, such as %d", len(found), opts.name, found[0].ID)
	}
}

// writeWhole writes a file that only its owner may read, and puts it in place
// when it is complete.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".semaphore-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

func newProjectKeyCommand() *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make a pair of keys for encrypted backups",
		Long: `Make a pair of keys for encrypted backups. The secret one goes into a file of its
own: keep it apart from the backups. The public one, which encrypts, is printed.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usage("--file is needed: where the secret key goes")
			}
			if _, err := os.Lstat(file); err == nil {
				return usage("--file: %s is there already: choose another name", file)
			}
			identity, recipient, err := export.NewBackupIdentity()
			if err != nil {
				return err
			}
			err = writeWhole(file, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "# public key: %s\n%s\n", recipient, identity)
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), recipient)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "`FILE` for the secret key")
	return cmd
}
