package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/job"
)

// runOptions are the flags of `semaphore run`.
type runOptions struct {
	path  string   // playbook, script or directory
	extra []string // behind --

	app, repo, branch, commit, chdir string
	submodules                       bool
	depth                            int
	gitKey, gitUser, gitPasswordFile string

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
	return cmd
}

func (o *runOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.app, "app", "", "ansible, terraform, tofu, terragrunt, bash, python, powershell or pulumi (default: guessed)")
	f.StringVar(&o.repo, "repo", "", "git URL, or a local directory that is used in place (default: the current directory)")
	f.StringVar(&o.branch, "branch", "", "branch or tag; makes a clone of a local directory")
	f.StringVar(&o.commit, "commit", "", "commit; makes a clone of a local directory")
	f.StringVar(&o.chdir, "chdir", "", "directory of the Terraform configuration inside the repository")
	f.BoolVar(&o.submodules, "submodules", false, "bring submodules too")
	f.IntVar(&o.depth, "depth", 0, "commits of history to clone (default: all)")
	f.StringVar(&o.gitKey, "git-key", "", "file with the ssh private key for the repository")
	f.StringVar(&o.gitUser, "git-user", "", "login for the repository")
	f.StringVar(&o.gitPasswordFile, "git-password-file", "", "file with the password or token for the repository")

	f.StringVarP(&o.inventory, "inventory", "i", "", "inventory file or directory, or hosts separated by commas")
	f.StringVarP(&o.user, "user", "u", "", "login on the hosts")
	f.StringVar(&o.sshKey, "ssh-key", "", "file with the ssh private key for the hosts")
	f.StringVar(&o.sshPassphraseFile, "ssh-passphrase-file", "", "file with the passphrase of the ssh keys (default: asked)")
	f.BoolVarP(&o.askPass, "ask-pass", "k", false, "ask for the connection password")
	f.StringVar(&o.connectionPassword, "connection-password-file", "", "file with the connection password")
	f.StringVar(&o.becomeUser, "become-user", "", "user to become")
	f.BoolVarP(&o.askBecomePass, "ask-become-pass", "K", false, "ask for the become password")
	f.StringVar(&o.becomePass, "become-password-file", "", "file with the become password")
	f.StringArrayVar(&o.vaultIDs, "vault-id", nil, "vault password as [ID@]FILE or [ID@]prompt; may be repeated")
	f.StringSliceVarP(&o.limit, "limit", "l", nil, "hosts to limit the run to")
	f.StringSliceVarP(&o.tags, "tags", "t", nil, "only plays and tasks with these tags")
	f.StringSliceVar(&o.skipTags, "skip-tags", nil, "no plays and tasks with these tags")
	f.BoolVarP(&o.check, "check", "C", false, "change nothing, tell what would change")
	f.BoolVarP(&o.diff, "diff", "D", false, "show differences of changed files")
	f.CountVarP(&o.verbosity, "verbose", "v", "more output of Ansible, up to -vvvvvv")
	f.BoolVar(&o.forceGalaxy, "force-galaxy", false, "install roles and collections anew")

	f.StringArrayVarP(&o.extraVars, "extra-vars", "e", nil, "variables: NAME=VALUE, a JSON object, or @FILE; may be repeated")
	f.StringArrayVar(&o.env, "env", nil, "environment variable NAME=VALUE; may be repeated")
	f.StringArrayVar(&o.secrets, "secret", nil, "secret variable: NAME (from the environment, else asked), NAME=@FILE or NAME=env:OTHER")
	f.StringArrayVar(&o.secretEnv, "secret-env", nil, "the same as an environment variable of the tool")
	f.BoolVar(&o.cleanEnv, "clean-env", false, "do not pass this shell's environment on")

	f.StringVar(&o.workspace, "workspace", "", "Terraform workspace (default: default)")
	f.BoolVar(&o.plan, "plan", false, "plan only")
	f.BoolVar(&o.destroy, "destroy", false, "plan to destroy everything")
	f.BoolVar(&o.autoApprove, "auto-approve", false, "apply without being asked")
	f.BoolVar(&o.upgrade, "upgrade", false, "upgrade modules and providers at init")
	f.BoolVar(&o.reconfigure, "reconfigure", false, "ignore the backend configured before")

	f.DurationVar(&o.timeout, "timeout", 0, "stop after this time, such as 30m")
	f.DurationVar(&o.stopGrace, "stop-grace", 0, "time between stop and kill (default: 10s, Terraform 5m)")
	f.StringVar(&o.hostKeys, "host-keys", "pin", "check host keys: off, pin (remember the first) or strict")
	f.StringVarP(&o.output, "output", "o", "text", "text, or json: one event per line")
	f.StringVar(&o.dir, "data-dir", "", "where clones, caches and states are kept (default: the user's cache and data directories)")
}

// run is the command.
func run(ctx context.Context, o runOptions, streams Streams) error {
	if o.output != "text" && o.output != "json" {
		return usage("--output is %q: use text or json", o.output)
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
	local, err := job.NewLocal(places.cache, o.localConfig(spec, places))
	if err != nil {
		return err
	}
	if err := local.Check(spec); err != nil {
		return err
	}
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
	ctx, stopper := job.WithStopper(ctx)
	defer stopper.Stop(nil)
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
		close(done)
		<-gone
	}
}

// places are the directories that outlive a run.
type places struct {
	cache      string // runs, mirrors, caches
	data       string // states
	knownHosts string
}

func findPlaces(dir string) (places, error) {
	cache, data := dir, dir
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return places{}, usage("there is no home directory: give --data-dir")
		}
		cache = filepath.Join(envOr("XDG_CACHE_HOME", filepath.Join(home, ".cache")), "semaphore")
		data = filepath.Join(envOr("XDG_DATA_HOME", filepath.Join(home, ".local", "share")), "semaphore")
	}
	for _, d := range []string{cache, data} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return places{}, usage("make data directory: %v: give another --data-dir", err)
		}
	}
	return places{cache: cache, data: data, knownHosts: filepath.Join(data, "known_hosts")}, nil
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); filepath.IsAbs(v) {
		return v
	}
	return otherwise
}

// localConfig lets the one user of this command do what the user may.
func (o *runOptions) localConfig(spec *job.Spec, p places) job.LocalConfig {
	cfg := job.LocalConfig{
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
			if ok && name != "" && !strings.HasPrefix(name, "SEMAPHORE_") && !isSecretSource(spec, name) {
				cfg.Env[name] = value
			}
		}
	}
	return cfg
}

// isSecretSource keeps a variable that a secret was read from out of the
// environment that tools inherit; those that are to have it are given it.
func isSecretSource(spec *job.Spec, name string) bool {
	for _, s := range spec.Secrets {
		if s.Name == name {
			return true
		}
	}
	return false
}

// hostKeySink remembers host keys that were met for the first time.
type hostKeySink struct {
	view
	file string
}

// HostKey appends the key to the file.
func (s *hostKeySink) HostKey(ctx context.Context, k job.HostKey) error {
	f, err := os.OpenFile(s.file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("remember host key: %w", err)
	}
	_, err = fmt.Fprintln(f, k.Line())
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("remember host key: %w", err)
	}
	return s.view.HostKey(ctx, k)
}
