// Command semaphore-runner runs tasks of a server: the commands of
// 'semaphore runner' in a program without database and API.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/cmd/internal/runner"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/job"
)

func main() {
	job.Init() // a supervisor process never gets further than this
	flags := &runner.Flags{}
	root := &cobra.Command{
		Use: "semaphore-runner", Short: "Run tasks of a Semaphore server", Version: version(),
		SilenceUsage: true, SilenceErrors: true,
	}
	flags.Register(root)
	root.AddCommand(runner.Commands(runner.Options{
		Load: func() (*config.Config, *slog.Logger, error) { return flags.Load(os.Stderr) },
		In:   os.Stdin, Out: os.Stdout, Version: version(), Program: "semaphore-runner",
	})...)
	if err := root.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "semaphore-runner:", err)
		os.Exit(1)
	}
}

// version is what the build knows about itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
