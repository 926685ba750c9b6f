package cli

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/gogit"
)

// runOptions are the flags of `semaphore run`.
type runOptions struct {
	path  string   // playbook, script or directory
	extra []string // behind --

	app, repo, branch, commit, chdir string
	submodules                       bool
	depth                            int
	gitKey, gitUser, gitPasswordFile string
	gitClient                        string

	inventory, user, sshKey, sshPassphraseFile string
	becomeUser, connectionPassword, becomePass string
	askPass, askBecomePass                     bool
	limit, tags, skipTags, vaultIDs            []string
	check, diff, forceGalaxy                   bool
	verbosity                                  int

	extraVars, env, secrets, secretEnv []string
	cleanEnv                           bool

	workspace                                        string
	plan, destroy, autoApprove, upgrade, reconfigure bool

	timeout, stopGrace time.Duration
	hostKeys, output   string
	dir                string
}

const runExamples = `  # a script, a playbook, a Terraform directory: what you just edited, in place
  semaphore run deploy.sh
  semaphore run site.yml -i hosts.ini --limit web --check
  semaphore run infra/

  # the same from a repository, at a branch, tag or commit
  semaphore run site.yml --repo https://git.example.org/ops.git --branch main

  # variables and secrets: secrets never appear on a command line
  semaphore run deploy.sh -e version=1.2 --secret TOKEN --secret DB_PASSWORD=@db.txt

  # plan only; apply without being asked; events for programs
  semaphore run infra/ --plan
  semaphore run infra/ --auto-approve --output json

  # arguments for the tool itself
  semaphore run site.yml -- --forks 20`

func newRunCommand(streams Streams) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:     "run [PLAYBOOK|SCRIPT|DIRECTORY] [flags] [-- ARGUMENTS]",
		Short:   "Run one playbook, script or Terraform directory, here and now",
		Long:    "Run one playbook, script or Terraform directory, with its inventory, variables and\nkeys, until it ends or is stopped. Needs no server and no database.\n\nCtrl-C stops the task the way its tool wants it; a second one hurries, a third kills.\n\n" + exitCodeHelp,
		Example: runExamples,
		Args: func(cmd *cobra.Command, args []string) error {
			n := len(args)
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				n = dash
			}
			if n > 1 {
				return usage("run takes one playbook, script or directory, not %d: arguments for the tool go behind --", n)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			n := len(args)
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				n, o.extra = dash, args[dash:]
			}
			if n == 1 {
				o.path = args[0]
			}
			return run(cmd.Context(), o, streams)
		},
	}
	o.addFlags(cmd)
	refuseEmpty(cmd.Flags())
	return cmd
}

// run is the command.
func run(ctx context.Context, o runOptions, streams Streams) error {
	if o.output != "text" && o.output != "json" {
		return usage("--output is %q: use text or json", o.output)
	}
	git, err := o.git()
	if err != nil {
		return err
	}
	places, err := findPlaces(o.dir)
	if err != nil {
		return err
	}
	asker := asker{in: streams.In, out: streams.Err}
	spec, err := o.spec(&asker, places)
	if err != nil {
		return err
	}
	local, err := job.NewLocal(places.cache, o.localConfig(spec, places, git))
	if err != nil {
		return err
	}
	if err := local.Check(spec); err != nil {
		return err
	}
	ctx, stopper := job.WithStopper(ctx)
	defer stopper.Stop(nil)
	streams = streams.stopping(stopper)
	var view view
	if o.output == "json" {
		view = newJSONView(streams, &asker)
	} else {
		view = newTextView(streams, &asker)
	}
	swept, err := local.Sweep(ctx)
	if err != nil {
		view.note("clean up after earlier runs: %v", err)
	}
	for _, s := range swept {
		if s.Ending {
			view.note("task %d, whose process had died, is still ending", s.Task.TaskID)
			continue
		}
		view.note("cleaned up after task %d, whose process had died", s.Task.TaskID)
	}
	sink := &hostKeySink{view: view, file: places.knownHosts}
	stopSignals := watchSignals(stopper, view)
	defer stopSignals()
	result, err := job.Execute(ctx, local, spec, sink)
	view.end(result, err)
	if err != nil {
		return reportedError{err}
	}
	return nil
}

// watchSignals makes Ctrl-C stop, hurry and kill, in that order.
func watchSignals(stopper *job.Stopper, v view) func() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(signals, syscall.SIGHUP)
	}
	// A reader that has gone, as in "| head", is an error of the next write and
	// not the death of this process: the task is stopped and cleaned up.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for count := 1; ; count++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			switch count {
			case 1:
				v.note("stopping; once more to hurry")
				stopper.Stop(job.ErrStopped)
			case 2:
				v.note("hurrying; once more to kill")
				stopper.Force()
			default:
				v.note("killing")
				stopper.Kill()
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		signal.Stop(pipe)
		close(done)
		<-gone
	}
}

// git chooses the client: git's own binary is complete, the built-in one
// serves machines without it.
func (o *runOptions) git() (job.Git, error) {
	switch o.gitClient {
	case "cmd_git":
		return job.GitCLI{}, nil
	case "go_git":
		return gogit.Git{}, nil
	case "":
		if _, err := exec.LookPath("git"); err != nil {
			return gogit.Git{}, nil
		}
		return job.GitCLI{}, nil
	default:
		return nil, usage("--git-client is %q: use cmd_git or go_git", o.gitClient)
	}
}

// localConfig lets the one user of this command do what the user may.
func (o *runOptions) localConfig(spec *job.Spec, p places, git job.Git) job.LocalConfig {
	cfg := job.LocalConfig{
		Git:          git,
		RescueDir:    filepath.Join(p.data, "rescued"),
		States:       job.DirStates{Dir: filepath.Join(p.data, "states")},
		HomeMode:     job.HomeUser,
		ReposPaths:   []string{string(filepath.Separator)},
		AllowedPaths: []string{string(filepath.Separator)},
		Log:          slog.New(slog.DiscardHandler),
	}
	if !o.cleanEnv {
		cfg.Env = map[string]string{}
		for _, pair := range os.Environ() {
			name, value, ok := strings.Cut(pair, "=")
			if ok && name != "" && !strings.HasPrefix(name, "SEMAPHORE_") && (name != terraformWorkspace || !isTerraform(spec.App)) && !isSecretSource(spec, name) {
				cfg.Env[name] = value
			}
		}
	}
	return cfg
}

// isSecretSource keeps a variable that a secret was read from out of the
// environment that tools inherit; those that are to have it are given it.
func isSecretSource(spec *job.Spec, name string) bool {
	return slices.ContainsFunc(spec.Secrets, func(s job.SecretVar) bool { return s.Name == name })
}
