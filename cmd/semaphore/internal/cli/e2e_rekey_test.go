//go:build linux

package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// TestRekeyBesideRunningTasksLosesNothing changes the key of a server with
// tasks that run, wait and come, each of which prints whether its secret is the
// right one.
func TestRekeyBesideRunningTasksLosesNothing(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	check := `[ "$TOKEN" = correct-horse-battery ] && echo "the secret is right"` + "\n"
	repo := repository(t, map[string]string{"gated.sh": gated(gate) + check, "quick.sh": check})
	repos := "SEMAPHORE_REPOS_PATH=" + repo

	first := launch{env: []string{repos}}.serve(t).admin()
	p := first.newProject(repo)
	first.must("PUT", fmt.Sprintf("/project/%d/environment/%d", p.project, p.environment), map[string]any{
		"id": p.environment, "project_id": p.project, "name": "E", "json": "{}", "env": "{}",
		"secrets": []map[string]any{{"type": "env", "name": "TOKEN", "secret": "correct-horse-battery", "operation": "create"}},
	}, nil)
	gatedID, quickID := first.template(p, "gated.sh", nil), first.template(p, "quick.sh", nil)
	require.Contains(t, first.output(first.becomes(first.run(p.project, quickID, nil), store.Success)), "the secret is right")
	first.stop()

	keyFile := filepath.Join(first.dir, "access.key")
	older, err := os.ReadFile(keyFile)
	require.NoError(t, err)
	newKey := "SEMAPHORE_ACCESS_KEY_ENCRYPTION=" + crypto.GenerateKey().Encode()
	s := launch{dir: first.dir, env: []string{repos, newKey, "SEMAPHORE_OLD_ACCESS_KEY_ENCRYPTION=" + strings.TrimSpace(string(older))}}.serve(t)
	require.Equal(t, 204, s.signIn("admin", first.password))
	tasks := []store.Task{s.run(p.project, gatedID, nil), s.run(p.project, gatedID, nil)}
	s.prints(tasks[0], "ready")
	out, err := s.command("vault", "rekey", "--old-key-file", keyFile)
	require.NoError(t, err, out)
	require.Regexp(t, `sealed again [1-9]\d*, .* not opened 0`, out)
	tasks = append(tasks, s.run(p.project, quickID, nil))
	openGate(t, gate)
	for _, task := range tasks {
		require.Contains(t, s.output(s.becomes(task, store.Success)), "the secret is right")
	}
	out, err = s.command("vault", "rekey")
	require.NoError(t, err, out)
	require.Contains(t, out, "sealed again 0,", "nothing is left to do")
	s.stop()

	require.NoError(t, os.Remove(keyFile))
	last := launch{dir: first.dir, env: []string{repos, newKey}}.serve(t)
	require.Equal(t, 204, last.signIn("admin", first.password))
	require.Contains(t, last.output(last.becomes(last.run(p.project, quickID, nil), store.Success)), "the secret is right")
	last.stop()

	without := launch{dir: first.dir, env: []string{repos}}.start(t)
	require.Equal(t, 1, without.exit(), "no key, no server")
	require.Contains(t, without.out.String(), "another key has sealed")
	require.NoFileExists(t, keyFile)
}
