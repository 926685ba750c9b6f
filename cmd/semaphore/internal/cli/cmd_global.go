package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// globalFlags are the flags of every command.
type globalFlags struct {
	config   string
	noConfig bool
	logLevel string
}

func (g *globalFlags) register(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&g.config, "config", "", "configuration `FILE` (default: SEMAPHORE_CONFIG_PATH, ./config.json, /usr/local/etc/semaphore/config.json or /etc/semaphore/config.json)")
	flags.BoolVar(&g.noConfig, "no-config", false, "read no configuration file, only the environment")
	flags.StringVar(&g.logLevel, "log-level", "", "`LEVEL` of the log: DEBUG, INFO, WARN, ERROR, FATAL or PANIC")
}

// load reads the configuration and shows its warnings. Over are variables that
// a command's own flags put over the environment, so that what follows from
// them follows.
func (g *globalFlags) load(warnings io.Writer, over ...string) (*config.Config, config.Report, error) {
	if g.config != "" && g.noConfig {
		return nil, config.Report{}, usage("--config and --no-config exclude each other")
	}
	level := strings.ToUpper(g.logLevel)
	if level != "" && !slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR", "FATAL", "PANIC"}, level) {
		return nil, config.Report{}, usage("--log-level: DEBUG, INFO, WARN, ERROR, FATAL or PANIC is expected")
	}
	cfg, report, err := config.Load(config.Options{File: g.config, NoFile: g.noConfig, Env: append(os.Environ(), over...)})
	for _, w := range report.Warnings {
		fmt.Fprintln(warnings, "semaphore: warning:", w)
	}
	if err != nil {
		return nil, report, err
	}
	if level != "" {
		cfg.LogLevel = level
		report.Sources["log_level"] = "--log-level"
	}
	return cfg, report, nil
}

// newLog is the log that a configuration asks for.
func newLog(cfg *config.Config, w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	switch strings.ToUpper(cfg.LogLevel) {
	case "DEBUG":
		level = slog.LevelDebug
	case "WARN":
		level = slog.LevelWarn
	case "ERROR", "FATAL", "PANIC":
		level = slog.LevelError
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// newGroup is a command that only holds others.
func newGroup(use string, aliases []string, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     use,
		Aliases: aliases,
		Short:   short,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}
