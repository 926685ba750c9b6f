package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/internal/moving"
)

// checkOptions are the flags of check.
type checkOptions struct {
	global    *globalFlags
	from      string
	checkouts string
	asJSON    bool
}

func newCheckCommand(g *globalFlags) *cobra.Command {
	opts := checkOptions{global: g}
	cmd := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Tell what an installation has to expect here",
		Long: `Tell what will not work as it is, and what works otherwise, in an installation of
Semaphore UI before it is moved, or in one of this project. Nothing is changed; an
old database may be in use. docs/moving.md explains each code. The exit code is 1
where something would fail.`,
		Args: noArgs,
		RunE: untilSignal(func(cmd *cobra.Command, _ []string) error {
			return runCheck(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	f := cmd.Flags()
	f.StringVar(&opts.from, "from", "", "`FILE or URL` of the database, in place of what the configuration says")
	f.StringVar(&opts.checkouts, "checkouts", "", "`DIR` of the old checkouts (default: tmp_path of the configuration)")
	f.BoolVar(&opts.asJSON, "json", false, "print a list of JSON objects")
	return cmd
}

func runCheck(ctx context.Context, opts checkOptions, out, errs io.Writer) error {
	cfg, loaded, err := opts.global.load(io.Discard) // warnings are findings
	if err != nil {
		return err
	}
	in := moving.Input{Config: cfg, Loaded: loaded}
	if err := opts.read(ctx, cfg, &in, errs); err != nil {
		return err
	}
	list := moving.Check(in)
	if opts.asJSON {
		if list == nil {
			list = []moving.Finding{}
		}
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		err = enc.Encode(list)
	} else {
		err = showFindings(out, list)
	}
	if err == nil && moving.Failing(list) {
		err = reportedError{errors.New("something would fail")}
	}
	return err
}

// read reads an old installation, or ours where it is none.
func (o checkOptions) read(ctx context.Context, cfg *config.Config, in *moving.Input, errs io.Writer) (err error) {
	source, err := oldSource(cfg, o.from)
	if err == nil {
		var i *foreign.Installation
		if i, err = foreign.Open(ctx, source); err == nil {
			defer func() { err = errors.Join(err, i.Close()) }()
			return o.readOld(ctx, cfg, i, in)
		}
	}
	var wrong usageError
	ours := errors.Is(err, foreign.ErrNotInstallation) || errors.As(err, &wrong) || errors.Is(err, os.ErrNotExist)
	if o.from != "" || !ours || cfg.Dialect == "mysql" || cfg.Dialect == "bolt" {
		return err
	}
	file, is := cfg.StoreFile()
	if _, missing := os.Stat(file); is && missing != nil {
		return err // nothing is made to be looked at
	}
	if is {
		in.Files = append(in.Files, file)
	}
	st, err := openStore(ctx, cfg, errs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	in.Rows, err = moving.FromStore(ctx, st)
	return err
}

func (o checkOptions) readOld(ctx context.Context, cfg *config.Config, i *foreign.Installation, in *moving.Input) error {
	rows, rep, err := i.Rows(ctx)
	if err != nil {
		return err
	}
	in.Rows, in.Old = rows, &rep
	if d := rep.Source.Dialect; d == "sqlite" || d == "bolt" {
		in.Files = append(in.Files, rep.Source.Place)
	}
	in.Checkouts = o.checkouts
	if in.Checkouts == "" {
		in.Checkouts = oldCheckouts(cfg, in.Loaded)
	}
	return nil
}

func showFindings(out io.Writer, list []moving.Finding) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "nothing was found: everything works here as it is")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range list {
		name := f.Kind
		if f.ID != 0 {
			name += fmt.Sprintf(" %d", f.ID)
		}
		if f.Name != "" {
			name += fmt.Sprintf(" %q", f.Name)
		}
		if f.Project != 0 && f.Kind != "project" {
			name += fmt.Sprintf(" (project %d)", f.Project)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Severity, f.Code, name, f.Detail, f.Cure)
	}
	return w.Flush()
}
