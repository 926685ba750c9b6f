package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func newProjectImportCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := &projectOptions{global: g}
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Make projects of backups",
		Long: `Make projects of backups, those of Semaphore UI too. Each is checked first, and
written as a whole or not at all. What is left to do, such as keys without a
value, is printed.

The owner is the first administrator, or else the first user. A server may run
meanwhile, and takes restored schedules up within seconds. The exit code is 1
when no project was made.`,
		Args: noArgs,
		RunE: withProjects(opts, streams, func(ctx context.Context, d *projectDesk) error {
			return importProjects(ctx, *opts, d)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&opts.file, "file", "", "backup `FILE`, - for the input")
	f.StringVar(&opts.dir, "dir", "", "`DIR` whose backups, in all directories below, are taken: *.json, *.backup, *.bk, and *"+export.EncryptedExtension+" where a passphrase or key is given")
	f.StringVar(&opts.name, "project-name", "", "`NAME` of the project in place of that in the file")
	f.StringVar(&opts.owner, "owner", "", "`LOGIN` of the user whose projects they become")
	f.StringVar(&opts.passphraseFile, "passphrase-file", "", "`FILE` with the passphrase of encrypted backups")
	f.StringVar(&opts.identityFile, "identity-file", "", "`FILE` with the secret key of encrypted backups")
	return cmd
}

// importer makes projects of files.
type importer struct {
	*projectDesk
	opts   projectOptions
	owner  store.User
	opener export.BackupOpener
	check  func(store.Schedule) error
}

func importProjects(ctx context.Context, opts projectOptions, d *projectDesk) error {
	switch {
	case (opts.file == "") == (opts.dir == ""):
		return usage("either --file or --dir is needed")
	case opts.dir != "" && opts.name != "":
		return usage("--project-name goes with --file alone")
	case opts.passphraseFile != "" && opts.identityFile != "":
		return usage("--passphrase-file and --identity-file exclude each other")
	}
	im := &importer{projectDesk: d, opts: opts}
	if err := im.prepare(ctx); err != nil {
		return err
	}
	if opts.file != "" {
		return im.one(ctx, opts.file)
	}
	files, err := backupsIn(opts.dir, im.opener != export.BackupOpener{})
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there is no backup in %s", opts.dir)
	}
	failed := 0
	for _, file := range files {
		if err := im.one(ctx, file); err != nil {
			fmt.Fprintln(d.errs, "semaphore:", err)
			failed++
		}
	}
	if failed == len(files) {
		return reportedError{errors.New("no project was made")} // whatever was wrong with each
	}
	return nil
}

// prepare finds the owner, and what encrypted files are opened with.
func (im *importer) prepare(ctx context.Context) (err error) {
	if im.owner, err = im.findOwner(ctx); err != nil {
		return err
	}
	switch {
	case im.opts.identityFile != "":
		secret, err := secretFile("--identity-file", im.opts.identityFile)
		if err != nil {
			return err
		}
		im.opener.Identity = secret.Reveal()
	case im.opts.passphraseFile != "":
		if im.opener.Passphrase, err = im.passphrase(im.opts); err != nil {
			return err
		}
	}
	location, err := time.LoadLocation(im.cfg.Schedule.Timezone)
	if err != nil {
		return fmt.Errorf("schedule.timezone: %w", err)
	}
	ring, err := crypto.NewRing(crypto.GenerateKey()) // judging schedules opens nothing
	if err != nil {
		return err
	}
	p, err := pool.New(im.st, pool.Config{Ring: ring, Location: location, Log: newLog(im.cfg, im.errs)})
	if err != nil {
		return err
	}
	im.check = p.CheckSchedule
	return nil
}

func (im *importer) findOwner(ctx context.Context) (store.User, error) {
	for _, where := range []map[string]any{{"admin": true}, nil} {
		if im.opts.owner != "" {
			where = map[string]any{"username": strings.ToLower(im.opts.owner)}
		}
		page, err := im.st.Users().List(ctx, 0, store.Query{Where: where, Limit: 1})
		if err != nil {
			return store.User{}, fmt.Errorf("look for the owner: %w", err)
		}
		if len(page.Items) > 0 {
			return page.Items[0], nil
		}
	}
	if im.opts.owner != "" {
		return store.User{}, fmt.Errorf("no user has the login %s: 'semaphore user list' shows all", im.opts.owner)
	}
	return store.User{}, errors.New("there is no user to own the project: add one with 'semaphore user add'")
}

// one makes a project of a file.
func (im *importer) one(ctx context.Context, file string) error {
	var b export.Backup
	if err := im.read(file, &b); err != nil {
		return err
	}
	opts := export.RestoreOptions{
		Owner: im.owner.ID, Name: im.opts.name, CheckSchedule: im.check,
		Record: func(ctx context.Context, tx store.Store, p store.Project) error {
			return tx.Events().Add(ctx, store.Event{
				ProjectID: &p.ID, ObjectID: &p.ID, ObjectType: store.EventProject, Created: time.Now(),
				Description: fmt.Sprintf("Project %q restored from a backup by the command line", p.Name),
			})
		},
	}
	if b.HasSecrets() {
		ring, err := openRing(ctx, im.cfg, im.st, im.errs)
		if err != nil {
			return err
		}
		opts.Ring = ring
	}
	report, err := export.Restore(ctx, im.st, &b, opts)
	if err != nil {
		return err
	}
	fmt.Fprintf(im.out, "%s: project %d %q is made, its owner is %s\n", file, report.Project.ID, report.Project.Name, im.owner.Username)
	for _, line := range report.Lines() {
		fmt.Fprintln(im.out, " ", line)
	}
	return nil
}

// read reads a file, encrypted or not.
func (im *importer) read(file string, b *export.Backup) error {
	from := im.in.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("read backup: %w", pathError(err))
		}
		defer f.Close()
		from = f
	}
	buffered := bufio.NewReader(from)
	head, err := buffered.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read backup %s: %w", file, err)
	}
	switch sealed := (im.opener != export.BackupOpener{}); {
	case export.IsEncrypted(head):
	case strings.HasSuffix(file, export.EncryptedExtension):
		return fmt.Errorf("%s is not encrypted, though its name says so: take another copy", file)
	case sealed && im.opts.file != "": // in a directory both kinds may stand
		return usage("%s is not encrypted: leave --passphrase-file and --identity-file out", file)
	default:
		return b.Decode(buffered, file)
	}
	if (im.opener == export.BackupOpener{}) {
		return usage("%s is encrypted: give --passphrase-file or --identity-file", file)
	}
	return b.Decrypt(buffered, file, im.opener)
}

// backupsIn lists the backups below a directory, sorted.
func backupsIn(dir string, sealed bool) ([]string, error) {
	ends := []string{".json", ".backup", ".bk"}
	if sealed {
		ends = append(ends, export.EncryptedExtension)
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && slices.Contains(ends, filepath.Ext(path)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, usage("--dir: %v", pathError(err))
	}
	slices.Sort(files)
	return files, nil
}
