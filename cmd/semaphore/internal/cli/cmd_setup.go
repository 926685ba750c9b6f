package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// setupPassword is the shortest password of the first admin.
const setupPassword = 8

// setupOptions are the flags of setup.
type setupOptions struct {
	global         *globalFlags
	nonInteractive bool
	answers        setupAnswers
	dbPassFile     string
	passwordFile   string
}

func newSetupCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := setupOptions{global: g}
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Write a configuration, make the database and the first admin",
		Long: `Write a configuration with new keys, make the database and the first admin.
setup asks for what it needs; with --non-interactive the flags answer. A
configuration that exists is never written over: it holds the key of the
secrets in its database.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSetup(cmd.Context(), opts, streams) },
	}
	f, a := cmd.Flags(), &opts.answers
	f.BoolVar(&opts.nonInteractive, "non-interactive", false, "ask nothing")
	f.StringVar(&a.dialect, "db", "sqlite", "sqlite or postgres")
	f.StringVar(&a.db.host, "db-host", "", "host and port of PostgreSQL, or path of the SQLite file")
	f.StringVar(&a.db.user, "db-user", "", "account in PostgreSQL")
	f.StringVar(&opts.dbPassFile, "db-pass-file", "", "`FILE` with its password")
	f.StringVar(&a.db.name, "db-name", "", "name of the PostgreSQL database")
	f.StringVar(&a.tmpPath, "tmp-path", "", "directory of runs, mirrors and caches")
	f.StringVar(&a.webHost, "web-host", "", "public address of the server")
	f.StringVar(&a.dir, "out", "", "directory that config.json is written to (default: this one)")
	f.StringVar(&a.admin.Username, "admin-login", "", "login of the first admin")
	f.StringVar(&a.admin.Email, "admin-email", "", "its e-mail address")
	f.StringVar(&a.admin.Name, "admin-name", "", "its name")
	f.StringVar(&opts.passwordFile, "admin-password-file", "", "`FILE` with its password")
	return cmd
}

func runSetup(ctx context.Context, opts setupOptions, streams Streams) error {
	defaults, _, err := opts.defaults()
	if err != nil {
		return err
	}
	a := opts.answers
	p := &prompter{in: &asker{in: streams.In, out: streams.Out}, out: streams.Out}
	if opts.nonInteractive {
		err = opts.fill(&a)
	} else {
		err = a.ask(p, defaults)
	}
	if err != nil {
		return err
	}
	file, cfg, st, err := a.install(ctx, defaults, streams)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // everything is written by then
	fmt.Fprintf(streams.Out, "configuration written to %s\nthe database is up to date\n", file)
	if !opts.nonInteractive {
		done, err := a.askAdmin(ctx, p, st)
		if err != nil || done {
			return err
		}
	}
	if err := makeAdmin(ctx, &userDesk{cfg: cfg, st: st, errs: streams.Err, cost: streams.hashCost}, a.admin, a.password); err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "%s, you are set up: start the server with\n\n    semaphore server --config %s\n", a.admin.Name, file)
	return nil
}

// defaults are the values that nobody has to name. No file is read: setup
// writes one.
func (o setupOptions) defaults() (*config.Config, config.Report, error) {
	g := *o.global
	if g.config != "" {
		return nil, config.Report{}, usage("setup writes a configuration: name its directory when asked or with --out, not with --config")
	}
	return config.Load(config.Options{NoFile: true})
}

// fill takes the answers from the flags.
func (o setupOptions) fill(a *setupAnswers) error {
	for _, f := range []struct{ name, value string }{
		{"--admin-login", a.admin.Username}, {"--admin-email", a.admin.Email}, {"--admin-password-file", o.passwordFile},
	} {
		if f.value == "" {
			return usage("%s is needed with --non-interactive", f.name)
		}
	}
	if a.dialect != "sqlite" && a.dialect != "postgres" {
		return usage("--db: sqlite or postgres is expected: databases of other kinds are read by import-semaphore")
	}
	if a.admin.Name == "" {
		a.admin.Name = a.admin.Username
	}
	password, err := secretFile("--admin-password-file", o.passwordFile)
	if err != nil {
		return err
	}
	a.password = password.Reveal()
	if len([]rune(a.password)) < setupPassword {
		return usage("--admin-password-file: %d characters are needed at least", setupPassword)
	}
	if o.dbPassFile != "" {
		pass, err := secretFile("--db-pass-file", o.dbPassFile)
		if err != nil {
			return err
		}
		a.db.pass = pass.Reveal()
	}
	return nil
}

// install makes the database and then puts the configuration in its place, so
// that none is left behind that does not work.
func (a setupAnswers) install(ctx context.Context, defaults *config.Config, streams Streams) (string, *config.Config, store.Store, error) {
	dir, err := filepath.Abs(a.dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", nil, nil, fmt.Errorf("make directory of the configuration: %w", err)
	}
	file := filepath.Join(dir, "config.json")
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil, errExists(file)
	}
	temp, err := writeConfig(dir, a.object(defaults))
	if err != nil {
		return "", nil, nil, err
	}
	defer os.Remove(temp) //nolint:errcheck // it has its final name then
	cfg, _, err := config.Load(config.Options{File: temp})
	if err != nil {
		return "", nil, nil, fmt.Errorf("the answers cannot be used: %s", strings.ReplaceAll(err.Error(), temp, "config.json"))
	}
	st, err := openStore(ctx, cfg, streams.Err)
	if err != nil {
		return "", nil, nil, err
	}
	err = refuseSealed(ctx, st, "set up another database, or write its key into a configuration by hand")
	if err == nil {
		err = os.Link(temp, file) // never over another one
	}
	if errors.Is(err, fs.ErrExist) {
		err = errExists(file)
	}
	if err != nil {
		return "", nil, nil, errors.Join(err, st.Close())
	}
	return file, cfg, st, nil
}

func errExists(file string) error {
	return fmt.Errorf("%s exists, and may hold the key of a database: choose another directory, or move it away", file)
}

// writeConfig writes a file of mode 0600 with a name of its own.
func writeConfig(dir string, object map[string]any) (string, error) {
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	f, err := os.CreateTemp(dir, ".config-*.json")
	if err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write configuration: %w", err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// makeAdmin stores the first admin.
func makeAdmin(ctx context.Context, d *userDesk, admin store.User, password string) error {
	service, err := d.auth(ctx)
	if err != nil {
		return err
	}
	if admin.Password, err = service.HashPassword(password); err != nil {
		return usageError{err}
	}
	admin.Admin = true
	_, err = createUser(ctx, d.st, admin)
	return err
}

// newKey is a random key as text.
func newKey() string { return crypto.GenerateKey().Encode() }
