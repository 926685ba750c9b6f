package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

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
	f.StringVar(&o.gitClient, "git-client", "", "cmd_git (git's own binary) or go_git (built in) (default: cmd_git where git is installed)")
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

// refuseEmpty makes every flag refuse a value that says nothing. An unset shell
// variable must not turn a limit into all hosts.
func refuseEmpty(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) { f.Value = given{f.Value} })
}

// given is a flag's value that has to say something each time it is set.
type given struct{ pflag.Value }

// Set refuses blank values, and blank entries of lists.
func (g given) Set(text string) error {
	parts := []string{text}
	if g.Type() == "stringSlice" {
		parts = strings.Split(text, ",")
	}
	if slices.ContainsFunc(parts, func(v string) bool { return strings.Trim(v, " \t,") == "" }) {
		return errors.New("it is empty: name a value or leave the flag out")
	}
	return g.Value.Set(text)
}

// ignored finds flags that the app has no use for.
func (o *runOptions) ignored(app string) error {
	for _, group := range []struct {
		given bool
		flags string
		apps  []string
	}{
		{o.check || o.diff || o.verbosity > 0 || o.forceGalaxy || o.limit != nil || o.tags != nil || o.skipTags != nil,
			"--check, --diff, --verbose, --limit, --tags, --skip-tags and --force-galaxy are", []string{"ansible"}},
		{o.askPass || o.connectionPassword != "" || o.becomeUser != "" || o.askBecomePass || o.becomePass != "" || o.vaultIDs != nil || o.user != "",
			"--user, --ask-pass, --connection-password-file, --become-user, --ask-become-pass, --become-password-file and --vault-id are", []string{"ansible"}},
		{o.plan || o.destroy || o.autoApprove || o.upgrade || o.reconfigure || o.workspace != "" || o.chdir != "",
			"--plan, --destroy, --auto-approve, --upgrade, --reconfigure, --workspace and --chdir are", []string{"terraform", "tofu", "terragrunt"}},
	} {
		if group.given && !slices.Contains(group.apps, app) {
			return usage("%s for %s, this is %s", group.flags, strings.Join(group.apps, ", "), app)
		}
	}
	switch {
	case o.gitUser != "" && o.gitKey == "" && o.gitPasswordFile == "":
		return usage("--git-user needs --git-key or --git-password-file")
	case o.sshPassphraseFile != "" && o.sshKey == "" && o.gitKey == "":
		return usage("--ssh-passphrase-file needs --ssh-key or --git-key")
	}
	return nil
}
