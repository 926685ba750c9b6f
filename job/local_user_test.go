package job_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
)

// nobody is an account without rights that every Linux has.
const nobody = 65534

func TestTasksRunAsAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can give a task to another user")
	}
	b := setup(t, func(c *job.LocalConfig) { c.Process = job.Process{UID: nobody, GID: nobody} })
	require.NoError(t, os.Chmod(b.links, 0o711))
	dir := repository(t, files{"run.sh": `id -u; id -g; git log -1 --format=%s; touch made && echo wrote; touch "$HOME/x" "$TMPDIR/y" "$SEMAPHORE_CACHE_DIR/z" && echo everywhere
cat ` + filepath.Join(b.dir, "mirrors") + `/*/*/config 2>/dev/null || echo no mirror
ls ` + filepath.Join(b.dir, "run") + ` 2>/dev/null || echo no other runs
`})
	spec := b.spec("bash", "run.sh", dir)
	rec := b.ok(spec)
	require.Equal(t, "65534\n65534\nfirst commit\nwrote\neverywhere\nno mirror\nno other runs\n", rec.Output())
	b.ok(spec)
	if _, err := os.Stat("/usr/bin/ansible-playbook"); err == nil {
		play := b.ansible(repository(t, files{"site.yml": localPlay}), "site.yml")
		require.Contains(t, b.ok(play).Output(), "web1 runs")
	}
	tf := b.terraform(repository(t, files{"infra/main.tf": greeting}))
	b.ok(tf)
	require.Equal(t, 1, resources(t, b.stateOf("default")))
	require.Equal(t, 0, b.ok(tf).Plans()[0].Add)
}

func TestNoNewPrivileges(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *job.LocalConfig) { c.Process.NoNewPrivileges = true })
	rec := b.ok(b.spec("bash", "run.sh", directory(t, files{"run.sh": "grep NoNewPrivs /proc/self/status\n"})))
	require.Equal(t, "NoNewPrivs:\t1\n", rec.Output())
	rec = setup(t).ok(b.spec("bash", "run.sh", directory(t, files{"run.sh": "grep NoNewPrivs /proc/self/status\n"})))
	require.Equal(t, "NoNewPrivs:\t0\n", rec.Output())
}

func TestATaskCommitsAndPushesWithItsKey(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	repo := jobtest.NewGitRepoAt(t, filepath.Join(root, "x.git"))
	repo.Commit(t, "main", "run.sh", "git config user.name t; git config user.email t@localhost\necho new >made; git add made; git commit -q -m 'by the task'; git push -q origin HEAD:refs/heads/main && echo pushed\ncat .git/config\n", "first")
	server := jobtest.GitHTTP(t, root, func(login, password string) bool { return login == "git" && password == "push-canary-pw" })
	b := setup(t)
	spec := b.spec("bash", "run.sh", "/")
	spec.Repository = job.Repository{ID: 1, Name: "x", URL: server.URL + "/x.git", Branch: "main", Key: &job.Key{Type: job.KeyLoginPassword, Login: "git", Password: job.NewSecret("push-canary-pw")}}
	rec := b.ok(spec)
	require.Contains(t, rec.Output(), "pushed\n")
	require.NotContains(t, rec.Log(), "push-canary")
	require.Contains(t, git(t, filepath.Join(root, "x.git"), "log", "-1", "--format=%s", "main"), "by the task")
	require.Empty(t, filesWith(t, b.dir, "push-canary-pw"))
}
