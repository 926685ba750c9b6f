// Package runner is the command line of runners: they register at a server, run
// its tasks, and leave. The program semaphore has it as a group of commands,
// semaphore-runner has nothing else.
package runner

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/internal/config"
)

// Options say what the commands work with.
type Options struct {
	// Load reads the configuration and shows its warnings.
	Load    func() (*config.Config, *slog.Logger, error)
	In      io.Reader
	Out     io.Writer
	Version string // what the server is told
	// Program is how people call the commands: "semaphore runner".
	Program string
}

// Commands are the commands of runners.
func Commands(o Options) []*cobra.Command {
	register := &cobra.Command{
		Use:   "register",
		Short: "Register this runner at its server",
		Long: `Register this runner at its server (web_host), and keep the token that the
server gives in runner.token_file. The registration token is that of the server
(runner_registration_token), or one that an administrator made for one runner;
it comes from the environment, SEMAPHORE_RUNNER_REGISTRATION_TOKEN, or from
standard input. Runners that register by the server's token take tasks once an
administrator has switched them on.`,
		Args: cobra.NoArgs,
	}
	stdin := register.Flags().Bool("stdin-registration-token", false, "read the registration token from standard input")
	register.RunE = func(cmd *cobra.Command, _ []string) error { return o.register(cmd.Context(), *stdin) }
	start := &cobra.Command{
		Use:   "start",
		Short: "Run tasks",
		Long: `Run tasks of the server until Ctrl-C or TERM: then nothing more is claimed,
running tasks get shutdown_grace_sec to end, and are stopped. A second one
hurries. A server that cannot be reached ends no task: output is kept and
delivered when it is back. With runner.one_off it ends after one task.`,
		Args: cobra.NoArgs,
	}
	first := start.Flags().Bool("register", false, "register first where there is no token, again and again until that succeeds")
	start.RunE = func(cmd *cobra.Command, _ []string) error { return o.start(cmd.Context(), *first) }
	return []*cobra.Command{
		register, start,
		{
			Use: "unregister", Short: "Remove this runner at its server, and its token here", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return o.unregister(cmd.Context()) },
		},
		{
			Use: "setup", Short: "Write a configuration of a runner", Args: cobra.NoArgs,
			Long: `Ask where the server is and write a configuration of a runner,
config.runner.json. With a registration token the runner is registered too.`,
			RunE: func(cmd *cobra.Command, _ []string) error { return o.setup(cmd.Context()) },
		},
	}
}

func (o Options) say(format string, args ...any) {
	fmt.Fprintf(o.Out, "semaphore runner: "+format+"\n", args...)
}

// host tells about the machine, for people.
func host(goos, goarch string) string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	return fmt.Sprintf("%s %s/%s", name, goos, goarch)
}

// checkServer makes sure that there is an address.
func checkServer(cfg *config.Config) error {
	if cfg.WebHost == "" {
		return fmt.Errorf("no server: set web_host (SEMAPHORE_WEB_ROOT) to its address, such as https://ci.example.org")
	}
	return nil
}
