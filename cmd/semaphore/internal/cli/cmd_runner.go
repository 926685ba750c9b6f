package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/cmd/internal/runner"
	"github.com/alexandervashurin/semaphore/internal/config"
)

// newRunnerCommand has the commands of the program semaphore-runner.
func newRunnerCommand(g *globalFlags, streams Streams) *cobra.Command {
	load := func() (*config.Config, *slog.Logger, error) {
		cfg, _, err := g.load(streams.Err)
		if err != nil {
			return nil, nil, err
		}
		return cfg, newLog(cfg, streams.Err), nil
	}
	return newGroup("runner", nil, "Run tasks of a server elsewhere", runner.Commands(runner.Options{
		Load: load, In: streams.In, Out: streams.Out, Version: version(), Program: "semaphore runner",
	})...)
}
