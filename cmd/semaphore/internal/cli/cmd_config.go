package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// configOptions are the flags of config.
type configOptions struct {
	global *globalFlags
	format string
	all    bool
}

func newConfigCommand(g *globalFlags) *cobra.Command {
	opts := configOptions{global: g}
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the configuration in effect, and where each value comes from",
		Long: `Show the configuration in effect and where each value comes from: the file, a
variable, or the default. Secrets are shown as ***. Options of the database,
which a server puts over it, are not read.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runConfig(opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&opts.format, "format", "text", "text or json")
	cmd.Flags().BoolVar(&opts.all, "all", false, "show defaults too, in text")
	return cmd
}

func runConfig(opts configOptions, out, errs io.Writer) error {
	if opts.format != "text" && opts.format != "json" {
		return usage("--format: text or json is expected")
	}
	cfg, report, err := opts.global.load(errs)
	if err != nil {
		return err
	}
	entries := cfg.Entries(report)
	if opts.format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(map[string]any{
			"file": report.File, "warnings": report.Warnings, "config": cfg.Masked(), "sources": sourcesOf(entries),
		})
	}
	file := report.File
	if file == "" {
		file = "none"
	}
	fmt.Fprintf(out, "file: %s\n", file)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, e := range entries {
		if opts.all || e.Source != config.SourceDefault || e.Text() != "" && e.Text() != "[]" && e.Text() != "{}" && e.Text() != "false" {
			fmt.Fprintf(w, "%s\t%s\t(%s)\n", e.Key, e.Text(), e.Source)
		}
	}
	return w.Flush()
}

func sourcesOf(entries []config.Entry) map[string]config.Source {
	sources := make(map[string]config.Source, len(entries))
	for _, e := range entries {
		sources[e.Key] = e.Source
	}
	return sources
}
