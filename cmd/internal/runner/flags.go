package runner

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// Flags are those of every command.
type Flags struct {
	config   string
	noConfig bool
	logLevel string
}

// Register adds the flags to a command and those below it.
func (f *Flags) Register(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&f.config, "config", "", "configuration `FILE` (default: SEMAPHORE_CONFIG_PATH, ./config.json, /usr/local/etc/semaphore/config.json or /etc/semaphore/config.json)")
	flags.BoolVar(&f.noConfig, "no-config", false, "read no configuration file, only the environment")
	flags.StringVar(&f.logLevel, "log-level", "", "`LEVEL` of the log: DEBUG, INFO, WARN, ERROR, FATAL or PANIC")
}

// Load reads the configuration, shows its warnings, and makes the log.
func (f *Flags) Load(errs io.Writer) (*config.Config, *slog.Logger, error) {
	if f.config != "" && f.noConfig {
		return nil, nil, errors.New("--config and --no-config exclude each other")
	}
	level := strings.ToUpper(f.logLevel)
	if level != "" && !slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR", "FATAL", "PANIC"}, level) {
		return nil, nil, errors.New("--log-level: DEBUG, INFO, WARN, ERROR, FATAL or PANIC is expected")
	}
	cfg, report, err := config.Load(config.Options{File: f.config, NoFile: f.noConfig})
	for _, w := range report.Warnings {
		fmt.Fprintln(errs, "semaphore runner: warning:", w)
	}
	if err != nil {
		return nil, nil, err
	}
	if level != "" {
		cfg.LogLevel = level
	}
	return cfg, newLog(cfg, errs), nil
}

// newLog is the log that a configuration asks for.
func newLog(cfg *config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	switch strings.ToUpper(cfg.LogLevel) {
	case "DEBUG":
		options.Level = slog.LevelDebug
	case "WARN":
		options.Level = slog.LevelWarn
	case "ERROR", "FATAL", "PANIC":
		options.Level = slog.LevelError
	}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
