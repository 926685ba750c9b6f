// Package cli is the command line of semaphore. Each command is a struct of
// options, its flags, and a function that tests call.
package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/job"
)

// Exit codes beside 0 and the tool's own.
const (
	ExitFailure  = 1   // the task could not be run, or its plan was rejected
	ExitUsage    = 64  // flags or the task itself cannot be used; nothing was run
	ExitTimeout  = 124 // --timeout is over
	ExitStopped  = 130 // stopped by Ctrl-C or TERM
	exitCodeHelp = `Exit codes:
  0    success
  1    the task could not be run, or its plan was rejected
  64   bad usage: a flag or the task cannot be used, nothing was run
  124  timed out
  130  stopped
  else the exit code of the tool`
)

// usageError is an error of the command line itself.
type usageError struct{ error }

func usage(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, streams Streams) int {
	root := newRoot(streams)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	code := exitCode(err)
	if !isReported(err) {
		fmt.Fprintln(streams.Err, "semaphore:", err)
		if code == ExitUsage {
			fmt.Fprintf(streams.Err, "See '%s --help'.\n", cmd.CommandPath())
		}
	}
	return code
}

// reportedError was already shown by the command's own output.
type reportedError struct{ error }

func (e reportedError) Unwrap() error { return e.error }

func isReported(err error) bool {
	var r reportedError
	return errors.As(err, &r)
}

// exitCode maps every error to the code of the process.
func exitCode(err error) int {
	var usage usageError
	var exit *job.ExitError
	switch {
	case errors.As(err, &usage), errors.Is(err, job.ErrInvalid):
		return ExitUsage
	case errors.Is(err, job.ErrTimeout):
		return ExitTimeout
	case errors.Is(err, job.ErrStopped):
		return ExitStopped
	case errors.As(err, &exit) && exit.Code > 0:
		return exit.Code
	default:
		return ExitFailure
	}
}

func newRoot(streams Streams) *cobra.Command {
	root := &cobra.Command{
		Use:           "semaphore",
		Short:         "Run Ansible, Terraform and scripts from git repositories",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	global := &globalFlags{}
	global.register(root)
	root.AddCommand(
		newRunCommand(streams),
		newServerCommand(streams, global),
		newVersionCommand(),
		newConfigCommand(global),
		newMigrateCommand(global),
		newSetupCommand(global, streams),
		newUserCommand(global, streams),
		newProjectCommand(global, streams),
		newVaultCommand(global),
		newExportCommand(global),
		newImportCommand(global),
		newImportSemaphoreCommand(global),
		newCheckCommand(global),
		newBackupCommand(global),
		newRestoreCommand(global),
		newRunnerCommand(global, streams),
	)
	return root
}

func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usageError{err}
	}
	return nil
}
