package job_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

func TestLocalJobIsAnExecutor(t *testing.T) {
	t.Parallel()
	jobtest.RunExecutorSuite(t, func(t *testing.T) job.Executor { return setup(t).local })
}

func TestScriptsAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"deploy/run.sh": `
for a in "$@"; do echo "arg:$a"; done
echo "$SEMAPHORE_TASK_DETAILS_ID|$SEMAPHORE_TASK_DETAILS_MESSAGE|$SEMAPHORE_TASK_DETAILS_COMMIT_MESSAGE|$SEMAPHORE_TASK_TYPE|$SEMAPHORE_TASK_TARGET_VERSION"
echo "secret ${#PIN} ${#API_KEY} here"
pwd; echo "$PWD"; test -d "$SEMAPHORE_CACHE_DIR" && echo cache; test -t 0 || echo no terminal
env | sort
`})
	spec := b.spec("bash", "deploy/run.sh", dir)
	spec.Task.Message, spec.Task.Type, spec.Task.TargetVersion = "two words", "build", "1.2.3"
	spec.Variables = map[string]any{"zone": "eu west", "answer": 42, "on": true}
	spec.Secrets = []job.SecretVar{{Name: "API_KEY", Kind: job.SecretExt, Value: job.NewSecret("very-secret-key")}}
	spec.Survey = map[string]job.Secret{"PIN": job.NewSecret("another-secret")}
	out := b.ok(spec).Output()
	require.Contains(t, out, "arg:answer=42\narg:on=true\narg:zone=eu west\n")
	require.Contains(t, out, "|two words|first commit|build|1.2.3\n")
	require.Contains(t, out, "secret 14 15 here\n")
	require.Contains(t, out, "cache\nno terminal\n")
	require.Contains(t, out, "/semaphore-")
}

func TestTheEnvironmentIsBuilt(t *testing.T) {
	t.Setenv("JOB_TEST_LEAK", "leaked")
	t.Setenv("JOB_TEST_FORWARD", "forwarded")
	b := setup(t, func(c *job.LocalConfig) {
		c.ForwardEnv = []string{"JOB_TEST_FORWARD"}
		c.Env = map[string]string{"FROM_CONFIG": "set"}
	})
	out := b.ok(b.spec("bash", "run.sh", directory(t, files{"run.sh": "env\n"}))).Output()
	require.NotContains(t, out, "leaked")
	require.Contains(t, out, "JOB_TEST_FORWARD=forwarded\n")
	require.Contains(t, out, "FROM_CONFIG=set\n")
	require.Contains(t, out, "/home\n", "HOME of the run")
}

func TestEveryInterpreterThatIsThere(t *testing.T) {
	t.Parallel()
	for app, c := range map[string]struct{ file, text, program string }{
		"bash":       {"x.sh", "echo hello from $0\n", "bash"},
		"python":     {"x.py", "import sys\nprint('hello from', sys.argv[0])\n", "python3"},
		"powershell": {"x.ps1", "Write-Output \"hello from x.ps1\"\n", "pwsh"},
	} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			if app == "powershell" { // Debian has none: its argv test is in TestAppsWithoutTheirTool
				need(t, c.program)
			}
			b := setup(t)
			require.Equal(t, "hello from "+c.file+"\n", b.ok(b.spec(app, c.file, directory(t, files{c.file: c.text}))).Output())
		})
	}
}

// TestAppsWithoutTheirTool calls stand-ins of programs that Debian lacks.
func TestAppsWithoutTheirTool(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		app  string
		conf func(path string) job.App
		args []string
	}{
		"powershell":        {"powershell", func(p string) job.App { return job.App{Path: p} }, []string{"-File", "x.txt", "n=1"}},
		"pulumi":            {"pulumi", func(p string) job.App { return job.App{Path: p} }, []string{"x.txt", "n=1"}},
		"an own app":        {"deno", func(p string) job.App { return job.App{Path: p, Args: []string{"run", "-A"}} }, []string{"run", "-A", "x.txt", "n=1"}},
		"leading arguments": {"bash", func(p string) job.App { return job.App{Path: p, Args: []string{"-eu"}} }, []string{"-eu", "x.txt", "n=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tool := jobtest.NewFakeTool(t, "tool", "echo called")
			b := setup(t, func(cfg *job.LocalConfig) { cfg.Apps = map[string]job.App{c.app: c.conf(tool.Path)} })
			spec := b.spec(c.app, "x.txt", directory(t, files{"x.txt": ""}))
			spec.Variables = map[string]any{"n": 1}
			require.Equal(t, "called\n", b.ok(spec).Output())
			require.Equal(t, c.args, tool.Calls(t)[0].Args)
		})
	}
}

func TestWhatCannotBeRunSaysSo(t *testing.T) {
	t.Parallel()
	outside := directory(t, files{"secret.sh": "echo outside\n"})
	for name, c := range map[string]struct {
		change func(*bench, *job.Spec)
		says   string
	}{
		"an unknown app":     {func(_ *bench, s *job.Spec) { s.App = "cobol" }, "app: unknown app"},
		"a missing tool":     {func(_ *bench, s *job.Spec) { s.App = "pulumi" }, "app: pulumi is not on PATH: install Pulumi"},
		"a missing script":   {func(_ *bench, s *job.Spec) { s.Playbook = "nothing.sh" }, "playbook: nothing.sh does not exist in the repository"},
		"a directory":        {func(_ *bench, s *job.Spec) { s.Playbook = "dir" }, "playbook: dir is a directory"},
		"a link that leaves": {func(_ *bench, s *job.Spec) { s.Playbook = "out.sh" }, "playbook: out.sh cannot be used: it is a link that leaves"},
		"an absolute script": {func(_ *bench, s *job.Spec) { s.Playbook = filepath.Join(outside, "secret.sh") }, "playbook: "},
		"an absolute vault script": {func(_ *bench, s *job.Spec) {
			s.App, s.Vaults = "ansible", []job.Vault{{Script: filepath.Join(outside, "secret.sh")}}
		}, "vaults[0].script: "},
		"an unlisted root":     {func(_ *bench, s *job.Spec) { s.Repository.URL = "/usr" }, "repository.url: \"/usr\" is a local path outside the roots"},
		"an unlisted file URL": {func(_ *bench, s *job.Spec) { s.Repository.URL = "file:///usr" }, "repository.url: "},
		"no directory":         {func(b *bench, s *job.Spec) { s.Repository.URL = b.dir + "-missing" }, "repository.url: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := directory(t, files{"ok.sh": "echo ran\n", "dir/x": ""})
			require.NoError(t, os.Symlink(filepath.Join(outside, "secret.sh"), filepath.Join(dir, "out.sh")))
			spec := b.spec("bash", "ok.sh", dir)
			c.change(b, spec)
			rec := &jobtest.Recorder{}
			err := b.run(spec, rec)
			require.ErrorIs(t, err, job.ErrInvalid, "%v", err)
			require.Contains(t, err.Error(), c.says)
			require.Empty(t, rec.Output())
		})
	}
}

func TestALocalPathIsUsedInPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"run.sh": "echo committed\n"})
	hash := git(t, dir, "rev-parse", "HEAD")
	write(t, dir, files{"run.sh": "echo edited; touch made\n"})
	spec := b.spec("bash", "run.sh", dir)
	spec.Repository.URL, spec.Repository.Branch = dir, ""
	rec := b.ok(spec)
	require.Equal(t, "edited\n", rec.Output())
	require.Equal(t, hash+"-dirty", rec.Commits()[0].Hash)
	require.FileExists(t, filepath.Join(dir, "made"))

	spec = b.spec("bash", "run.sh", dir)
	spec.Repository.URL = dir // with a branch it is cloned
	rec = b.ok(spec)
	require.Equal(t, "committed\n", rec.Output())
	require.Equal(t, hash, rec.Commits()[0].Hash)
}

func TestAKeptCheckoutKeepsUntrackedFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"run.sh": "echo 1; ls; touch mine\n"})
	spec := b.spec("bash", "run.sh", dir)
	spec.Template.Workspace = job.Keep
	require.NotContains(t, b.ok(spec).Output(), "mine")
	write(t, dir, files{"run.sh": "echo 2; ls\n"})
	commit(t, dir, "second")
	out := b.ok(spec).Output()
	require.Contains(t, out, "2\n")
	require.Contains(t, out, "mine\n")
	require.DirExists(t, filepath.Join(b.dir, "project_1", "repository_1_template_1"))
}

// TestParallelTasksOfOneRepository runs them against a moving branch: each sees
// one whole commit, and none sees another's files.
func TestParallelTasksOfOneRepository(t *testing.T) {
	t.Parallel()
	rounds := 2
	if os.Getenv("SEMAPHORE_SOAK") != "" {
		rounds = 100
	}
	b := setup(t)
	dir := repository(t, files{"run.sh": "cat a b; test ! -e mine; touch mine\n", "a": "0\n", "b": "0\n"})
	for round := range rounds {
		var wg sync.WaitGroup
		for range 20 {
			spec := b.spec("bash", "run.sh", dir)
			wg.Go(func() {
				rec := &jobtest.Recorder{}
				if err := b.local.Run(t.Context(), spec, rec); err != nil {
					t.Errorf("round %d: %v\n%s", round, err, rec.Log())
					return
				}
				lines := strings.Fields(rec.Output())
				if len(lines) != 2 || lines[0] != lines[1] {
					t.Errorf("round %d: a torn checkout: %q", round, rec.Output())
				}
			})
		}
		n := strings.Repeat("x", round+1)
		write(t, dir, files{"a": n + "\n", "b": n + "\n"})
		commit(t, dir, "next")
		wg.Wait()
	}
	b.nothingLeft()
}

func TestATaskCannotPoisonTheNext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	trace := filepath.Join(t.TempDir(), "ran")
	dir := repository(t, files{"good.sh": "git status --short; git log -1 --format=%s; git for-each-ref\n", "bad.sh": `
git config core.fsmonitor 'touch ` + trace + `; false'
git config core.sshCommand 'touch ` + trace + `'
git config core.hooksPath "$PWD/hooks"
git config filter.x.smudge 'touch ` + trace + `; cat'
git config alias.status '!touch ` + trace + `'
mkdir -p hooks .git/info; for h in post-checkout pre-commit reference-transaction; do printf '#!/bin/sh\ntouch ` + trace + `\n' >hooks/$h; chmod +x hooks/$h; cp hooks/$h .git/hooks/ 2>/dev/null; done
echo '* filter=x' >.git/info/attributes
git update-ref refs/heads/evil HEAD; git update-ref refs/remotes/origin/evil HEAD; git tag evil-tag
echo evil >good.sh
`})
	b.ok(b.spec("bash", "bad.sh", dir))
	_ = os.Remove(trace)
	out := b.ok(b.spec("bash", "good.sh", dir)).Output()
	require.Contains(t, out, "first commit\n")
	require.NotContains(t, out, "evil")
	require.NoFileExists(t, trace)
}

func TestOutputIsComplete(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": `
for i in $(seq 100); do echo "out $i"; echo "err $i" >&2; done
printf 'bad \xff utf8\n'; printf '\033[31mred\033[0m\n'; printf 'no line feed'
exit 3
`}))
	rec := &jobtest.Recorder{}
	var exit *job.ExitError
	require.ErrorAs(t, b.run(spec, rec), &exit)
	require.Equal(t, 3, exit.Code)
	lines := strings.Split(strings.TrimSuffix(rec.Output(), "\n"), "\n")
	require.Len(t, lines, 203)
	for i := range 100 {
		require.True(t, strings.HasPrefix(lines[2*i], "out ") && strings.HasPrefix(lines[2*i+1], "err "), "order at %d", i)
	}
	require.Equal(t, "bad \uFFFD utf8", lines[200])
	require.Contains(t, rec.Log(), "\x1b[31mred\x1b[0m")
	require.Equal(t, "no line feed", lines[202])
}

func TestTheLogQuotaIsKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	spec := b.spec("bash", "run.sh", directory(t, files{"run.sh": "seq 100000; echo end\n"}))
	spec.Limits.LogQuota = 10_000
	rec := b.ok(spec)
	require.Less(t, len(rec.Output()), 20_000)
	require.NotContains(t, rec.Output(), "end")
	require.NotEmpty(t, rec.System())
}

func TestRemovedDirectoriesOfTheRunDoNotMatter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := repository(t, files{"run.sh": "cd /; rm -rf \"$PWD\"/nothing; mkdir -p \"$TMPDIR/ro/x\"; chmod 500 \"$TMPDIR/ro\"; chmod 000 \"$OLDPWD\"\n"})
	b.ok(b.spec("bash", "run.sh", dir))
}
