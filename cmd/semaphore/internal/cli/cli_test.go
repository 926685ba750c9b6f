package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/shlex"
	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/cmd/semaphore/internal/cli"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
	"github.com/alexandervashurin/semaphore/job"
)

const asCommand = "SEMAPHORE_TEST_AS_COMMAND"

// built is where the program may be built.
var built string

func TestMain(m *testing.M) {
	job.Init()
	_ = os.Unsetenv("SEMAPHORE_SOAK") // of the tests: the program warns of variables that it does not know
	if os.Getenv(asCommand) != "" {
		os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	dir, err := os.MkdirTemp("", "semaphore-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = dir
	pgtest.Main(tests{m, dir})
}

// tests are those of this package; what was built for them is removed behind
// them.
type tests struct {
	*testing.M
	dir string
}

func (t tests) Run() int {
	defer os.RemoveAll(t.dir)
	return t.M.Run()
}

// project is a directory with everything that the examples of --help name.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"deploy.sh":     "echo \"deploying $*\"; echo \"token $TOKEN, password ${#DB_PASSWORD}\"\n",
		"site.yml":      "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {msg: \"on {{ inventory_hostname }}\"}\n",
		"hosts.ini":     "[web]\nweb1 ansible_connection=local\n[db]\ndb1 ansible_connection=local\n",
		"db.txt":        "password-in-a-file\n",
		"ansible.cfg":   "[defaults]\ninventory = hosts.ini\n",
		"infra/main.tf": "resource \"terraform_data\" \"a\" { input = \"x\" }\n",
	} {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "cache"))
	t.Setenv("XDG_DATA_HOME", filepath.Join(t.TempDir(), "data"))
	t.Setenv("TF_CLI_CONFIG_FILE", "/dev/null")
	t.Setenv("TOKEN", "token-from-the-environment")
	t.Chdir(dir)
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@localhost"}, args...)...)
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
}

// call runs the command line in this process.
func call(t *testing.T, in string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(t.Context(), args, cli.Streams{In: strings.NewReader(in), Out: &out, Err: &errs}.Hasty())
	return code, out.String(), errs.String()
}

// TestTheExamplesOfHelpRun runs every line of the examples as it stands there.
func TestTheExamplesOfHelpRun(t *testing.T) {
	dir := project(t)
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "all of it")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "url.file://"+dir+".insteadOf")
	t.Setenv("GIT_CONFIG_VALUE_0", "https://git.example.org/ops.git")
	_, help, _ := call(t, "", "run", "--help")
	ran := 0
	for line := range strings.Lines(help) {
		words, err := shlex.Split(strings.TrimSpace(line))
		if err != nil || len(words) < 3 || words[0] != "semaphore" || !strings.HasPrefix(line, "  ") || strings.Contains(line, "[flags]") {
			continue
		}
		ran++
		code, out, errs := call(t, "y\n", words[1:]...)
		require.Zerof(t, code, "%s\n%s\n%s", line, out, errs)
		if strings.Contains(line, "--secret") {
			require.NotContains(t, out+errs, "token-from-the-environment", line)
		}
		require.NotContains(t, out+errs, "password-in-a-file", line)
	}
	require.GreaterOrEqual(t, ran, 8)
}

func TestExitCodes(t *testing.T) {
	project(t)
	require.NoError(t, os.WriteFile("seven.sh", []byte("exit 7\n"), 0o600))
	require.NoError(t, os.WriteFile("slow.sh", []byte("sleep 60\n"), 0o600))
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"run deploy.sh", 0, "== done"},
		{"run seven.sh", 7, "bash ended with exit code 7"},
		{"run slow.sh --timeout 300ms", cli.ExitTimeout, "timed out"},
		{"run infra", cli.ExitFailure, "rejected"},
		{"run nothing.sh", cli.ExitUsage, "nothing.sh does not exist"},
		{"run nothing", cli.ExitUsage, "nothing does not exist"},
		{"run hosts.ini", cli.ExitUsage, "say --app"},
		{"run deploy.sh site.yml", cli.ExitUsage, "behind --"},
		{"run deploy.sh --no-such-flag", cli.ExitUsage, "unknown flag"},
		{"run deploy.sh --output xml", cli.ExitUsage, "text or json"},
		{"run deploy.sh --limit web", cli.ExitUsage, "are for ansible"},
		{"run deploy.sh --plan", cli.ExitUsage, "are for terraform, tofu, terragrunt"},
		{"run deploy.sh --secret TOKEN=literal", cli.ExitUsage, "every user of the machine"},
		{"run deploy.sh --secret MISSING_ONE", cli.ExitUsage, "no terminal"},
		{"run deploy.sh --secret A=@/no/such/file", cli.ExitUsage, "no such file"},
		{"run deploy.sh --secret A=env:NO_SUCH_ONE", cli.ExitUsage, "is not set"},
		{"run deploy.sh --env SEMAPHORE_X=1", cli.ExitUsage, "reserved"},
		{"run deploy.sh -e novalue", cli.ExitUsage, "NAME=VALUE"},
		{"run deploy.sh -e {broken", cli.ExitUsage, "JSON"},
		{"run deploy.sh --app cobol", cli.ExitUsage, "unknown app"},
		{"run deploy.sh --branch ../x", cli.ExitUsage, "repository.branch"},
		{"run deploy.sh --commit HEAD", cli.ExitUsage, "repository.commit"},
		{"run x.sh --repo ext::sh", cli.ExitUsage, "repository.url"},
		{"run x.sh --repo https://user:hunter2@git.example.org/x", cli.ExitUsage, "repository.url"},
		{"run site.yml -i hosts.ini --limit ,", cli.ExitUsage, "limit"},
		{"run site.yml --ssh-key deploy.sh", cli.ExitUsage, "no private key"},
		{"run deploy.sh --host-keys maybe", cli.ExitUsage, "host_keys.policy"},
		{"run deploy.sh --git-user x", cli.ExitUsage, "--git-user needs"},
		{"run deploy.sh --user x", cli.ExitUsage, "for ansible"},
		{"run deploy.sh --vault-id x", cli.ExitUsage, "for ansible"},
		{"run deploy.sh --ssh-passphrase-file db.txt", cli.ExitUsage, "--ssh-passphrase-file needs"},
		{"run infra --env TF_WORKSPACE=x", cli.ExitUsage, "--workspace"},
		{"nonsense", cli.ExitUsage, "unknown command"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, errs := call(t, "", strings.Fields(c.args)...)
			require.Equalf(t, c.code, code, "%s\n%s", out, errs)
			require.Contains(t, errs, c.says)
			require.NotContains(t, errs, "literal")
			require.NotContains(t, errs, "hunter2")
		})
	}
}

// TestEmptyFlagsAreRefused is about unset shell variables: none of them may
// mean all hosts, or another commit.
func TestEmptyFlagsAreRefused(t *testing.T) {
	project(t)
	for _, args := range [][]string{
		{"site.yml", "--limit", ""}, {"site.yml", "--limit="}, {"site.yml", "-l", " , "}, {"site.yml", "--limit", "web,,db"},
		{"site.yml", "-i", ""}, {"site.yml", "--tags", ""}, {"site.yml", "--skip-tags", " "},
		{"deploy.sh", "--branch", ""}, {"deploy.sh", "--commit", ""}, {"deploy.sh", "--repo", ""}, {"deploy.sh", "--app", ""},
		{"infra", "--workspace", ""}, {"infra", "--chdir", " "}, {"deploy.sh", "-e", ""}, {"deploy.sh", "--secret", ""},
	} {
		code, out, errs := call(t, "", append([]string{"run"}, args...)...)
		require.Equalf(t, cli.ExitUsage, code, "%q: %s", args, out)
		require.Contains(t, errs, "is empty: name a value", "%q", args)
		require.NotContains(t, out, "on web1")
	}
	code, _, errs := call(t, "", "run", "site.yml", "--limit", "web", "--limit", "")
	require.Equal(t, cli.ExitUsage, code, "the second one counts too")
	require.Contains(t, errs, "is empty")
	code, _, errs = call(t, "", "run", "deploy.sh", "--env", "EMPTY=")
	require.Zero(t, code, errs)
}

func TestTheShellsWorkspaceIsTheTasks(t *testing.T) {
	dir := project(t)
	t.Setenv("TF_WORKSPACE", "blue")
	code, _, errs := call(t, "", "run", "infra", "--auto-approve")
	require.Zero(t, code, errs)
	require.FileExists(t, filepath.Join(dir, "infra", "terraform.tfstate.d", "blue", "terraform.tfstate"))
	code, _, errs = call(t, "", "run", "infra", "--workspace", "green")
	require.Equal(t, cli.ExitUsage, code)
	require.Contains(t, errs, "TF_WORKSPACE")
	require.NoError(t, os.WriteFile("ws.sh", []byte("echo \"<$TF_WORKSPACE>\"\n"), 0o600))
	_, out, _ := call(t, "", "run", "ws.sh")
	require.Equal(t, "<blue>\n", out, "a script gets the shell's")
}

func TestSecretsReachTheScriptAndNotTheScreen(t *testing.T) {
	project(t)
	code, out, errs := call(t, "", "run", "deploy.sh", "-e", "b=2 a=1", "--secret", "TOKEN", "--secret", "DB_PASSWORD=@db.txt", "--", "last")
	require.Zero(t, code, errs)
	require.Equal(t, "deploying last a=1 b=2\ntoken ***, password 18\n", out)
}

// TestWithoutGit runs a repository with the built-in client.
func TestWithoutGit(t *testing.T) {
	dir := project(t)
	git(t, dir, "init", "-q", "-b", "main")
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "all of it")
	for _, flags := range [][]string{{"--git-client", "go_git"}, {"--git-client", "cmd_git"}} {
		code, out, errs := call(t, "", append([]string{"run", "deploy.sh", "--repo", "file://" + dir, "--branch", "main"}, flags...)...)
		require.Zero(t, code, errs)
		require.Contains(t, out, "deploying")
		require.Contains(t, errs, "all of it")
	}
	code, _, errs := call(t, "", "run", "deploy.sh", "--git-client", "svn")
	require.Equal(t, cli.ExitUsage, code)
	require.Contains(t, errs, "use cmd_git or go_git")
}

func TestTheEnvironmentOfTheShellIsPassedOnUnlessItIsClean(t *testing.T) {
	project(t)
	t.Setenv("FROM_THE_SHELL", "yes")
	require.NoError(t, os.WriteFile("env.sh", []byte("echo \"<$FROM_THE_SHELL>\"\n"), 0o600))
	_, out, _ := call(t, "", "run", "env.sh")
	require.Equal(t, "<yes>\n", out)
	_, out, _ = call(t, "", "run", "env.sh", "--clean-env")
	require.Equal(t, "<>\n", out)
}

func TestTerraformAsks(t *testing.T) {
	dir := project(t)
	code, out, errs := call(t, "n\n", "run", "infra")
	require.Equal(t, cli.ExitFailure, code)
	require.Contains(t, errs, "   create   terraform_data.a\n== 1 to add, 0 to change, 0 to destroy\nApply this plan? [y/N]")
	require.NotContains(t, out, "Apply complete")
	code, out, errs = call(t, "yes\n", "run", "infra")
	require.Zero(t, code, errs)
	require.Contains(t, out, "Apply complete! Resources: 1 added")
	require.NotContains(t, out, "\x1b", "no colours where there is no terminal")
	require.FileExists(t, filepath.Join(dir, "infra", "terraform.tfstate"), "a directory in place keeps its state")
	code, _, errs = call(t, "", "run", "infra")
	require.Zero(t, code)
	require.Contains(t, errs, "== no changes")
}

func TestJSONIsOneEventPerLine(t *testing.T) {
	project(t)
	code, out, errs := call(t, "y\n", "run", "infra", "-o", "json")
	require.Zero(t, code, errs)
	require.Empty(t, errs)
	var types []string
	var last map[string]any
	dec := json.NewDecoder(strings.NewReader(out))
	for {
		var event map[string]any
		err := dec.Decode(&event)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		_, err = time.Parse(time.RFC3339Nano, event["time"].(string))
		require.NoError(t, err)
		types, last = append(types, event["type"].(string)), event
	}
	require.Equal(t, strings.Count(out, "\n"), len(types))
	for _, want := range []string{"status", "line", "plan", "prompt"} {
		require.Contains(t, types, want)
	}
	require.Equal(t, map[string]any{"outcome": "success", "exit_code": 0.0}, last["result"])
}

func TestGuesses(t *testing.T) {
	project(t)
	for args, want := range map[string]string{
		"run":                   "on web1", // site.yml of the directory, ansible.cfg's inventory
		"run deploy.sh":         "deploying",
		"run ./site.yml -i x1,": "on x1",
		"run infra --plan":      "terraform_data.a will be created",
		"run --chdir infra --app terraform --plan": "terraform_data.a will be created",
	} {
		if strings.Contains(args, "x1,") {
			t.Setenv("ANSIBLE_TRANSPORT", "local")
		}
		code, out, errs := call(t, "", strings.Fields(args)...)
		require.Zerof(t, code, "%s: %s", args, errs)
		require.Contains(t, out, want, args)
	}
	elsewhere := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "x.sh"), []byte("pwd\n"), 0o600))
	_, out, _ := call(t, "", "run", filepath.Join(elsewhere, "x.sh"))
	require.Equal(t, elsewhere+"\n", out, "a script elsewhere runs in its own directory")
	t.Chdir(t.TempDir())
	code, _, errs := call(t, "", "run")
	require.Equal(t, cli.ExitUsage, code)
	require.Contains(t, errs, "say what to run")
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	code, out, _ := call(t, "", "version")
	require.Zero(t, code)
	require.NotEmpty(t, strings.TrimSpace(out))
	code, out, _ = call(t, "")
	require.Zero(t, code)
	require.Contains(t, out, "run ")
	_, out, _ = call(t, "", "run", "--help")
	require.Contains(t, out, "Exit codes:")
}
