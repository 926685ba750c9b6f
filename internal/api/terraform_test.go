package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

const workspaces = "/project/{p}/inventory"

// workspace makes a workspace of the template and an address of its state, and
// returns the path of that below /api.
func (w *world) workspace(t *testing.T) string {
	t.Helper()
	w.created("workspace", "owner", workspaces, `{"name":"prod","type":"terraform-workspace","inventory":"prod","template_id":{template}}`)
	a := w.do("manager", "POST", workspaces+"/{workspace}/terraform/aliases", `{"auth_key_id":{key}}`)
	require.Equal(t, 201, a.Status, a.Body)
	require.Equal(t, []string{"alias", "auth_key_id", "inventory_id", "project_id", "url"}, members(t, a.Body))
	var row struct{ Alias, URL string }
	a.decode(t, &row)
	require.Equal(t, "https://semaphore.example.org/prefix/api/terraform/"+row.Alias, row.URL)
	require.Len(t, row.Alias, 32)
	return "/terraform/" + row.Alias
}

func (w *world) stateKey() store.StateKey {
	return store.StateKey{ProjectID: w.ids["p"], TemplateID: w.ids["template"], Workspace: "prod"}
}

// tfState is a state file with a secret in it.
func tfState(serial int) string {
	return fmt.Sprintf(`{"version":4,"terraform_version":"1.9.0","serial":%d,"lineage":"11111111-2222","outputs":{"pw":{"value":"canary-state"}}}`, serial)
}

func lockBody(id string) string {
	return `{"ID":"` + id + `","Operation":"OperationTypeApply","Info":"","Who":"ann@laptop","Version":"1.9.0","Created":"2026-01-02T03:04:05Z","Path":""}`
}

func TestTerraformAddresses(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		path := w.workspace(t)
		const aliases = workspaces + "/{workspace}/terraform/aliases"
		one := aliases + "/" + strings.TrimPrefix(path, "/terraform/")
		w.created("loose", "owner", workspaces, `{"name":"loose","type":"terraform-workspace","inventory":"dev"}`)
		w.created("other", "owner", "/project/{p}/keys", `{"name":"other","type":"login_password","login_password":{"login":"tf","password":"next"}}`)
		w.created("none", "owner", "/project/{p}/keys", `{"name":"none","type":"none"}`)
		w.play([]scenario{
			{name: "are listed", as: "guest", method: "GET", path: aliases, status: 200, contains: []string{`"auth_key_id":{key}`, `"inventory_id":{workspace}`}},
			{name: "one is shown", method: "GET", path: one, status: 200, contains: []string{`"auth_key_id":{key}`}},
			{name: "that of another workspace is not there", method: "GET", path: strings.Replace(one, "{workspace}", "{loose}", 1), status: 404},
			{name: "a guest may not make one", as: "guest", method: "POST", path: aliases, body: `{"auth_key_id":{key}}`, status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: aliases, status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: aliases, status: 401},
			{name: "a workspace that no template owns has no state", method: "POST", path: workspaces + "/{loose}/terraform/aliases", body: `{"auth_key_id":{key}}`, status: 400, contains: []string{"template"}},
			{name: "hosts have no state", method: "POST", path: workspaces + "/{inventory}/terraform/aliases", body: `{"auth_key_id":{key}}`, status: 400, contains: []string{"workspace"}},
			{name: "a key is needed", method: "POST", path: aliases, body: `{}`, status: 400, contains: []string{"auth_key_id"}},
			{name: "a key of another project is refused", method: "POST", path: aliases, body: `{"auth_key_id":{q_key}}`, status: 400},
			{name: "a key without password is refused", method: "POST", path: aliases, body: `{"auth_key_id":{none}}`, status: 400, contains: []string{"login_password"}},
			{name: "another workspace of the body is refused", method: "PUT", path: one, body: `{"inventory_id":{loose},"auth_key_id":{other}}`, status: 400},
			{name: "a key that one needs stays", method: "DELETE", path: "/project/{p}/keys/{key}", status: 400, contains: []string{"inUse"}},
			{name: "another key is chosen", method: "PUT", path: one, body: `{"auth_key_id":{other}}`, status: 204},
			{name: "and lets in from then on", as: "nobody", method: "LOCK", path: path, body: lockBody("a"), header: []string{"Authorization", basicAuth("tf", "next")}, status: 200},
			{name: "while the old one does not", as: "nobody", method: "GET", path: path, header: []string{"Authorization", basicAuth("git", hookSecret)}, status: 401},
			{name: "one is deleted", method: "DELETE", path: one, status: 204},
			{name: "and lets nobody in", as: "nobody", method: "GET", path: path, header: []string{"Authorization", basicAuth("tf", "next")}, status: 401},
			{name: "a workspace without versions has an empty list", as: "guest", method: "GET", path: workspaces + "/{loose}/terraform/states", status: 200, contains: []string{"[]"}},
			{name: "and no latest one", as: "guest", method: "GET", path: workspaces + "/{workspace}/terraform/states/latest", status: 404, contains: []string{"No state found"}},
		})
		w.wantEvents(t, store.EventTerraformAlias, `Terraform address of workspace "prod" created`, `Terraform address of workspace "prod" updated`, `Terraform address of workspace "prod" deleted`)
	})
}

func TestTerraformProtocol(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		path := w.workspace(t)
		auth := []string{"Authorization", basicAuth("git", hookSecret)}
		const states = workspaces + "/{workspace}/terraform/states"
		ask := func(name, method, query, body string, status int, contains ...string) scenario {
			return scenario{name: name, as: "nobody", method: method, path: path + query, body: body, header: auth, status: status, contains: contains}
		}
		w.play([]scenario{
			{name: "a login is needed", as: "nobody", method: "GET", path: path, status: 401, after: func(t *testing.T, _ *world, a answer) {
				require.Contains(t, a.Header.Get("WWW-Authenticate"), "Basic")
			}},
			{name: "a wrong password is refused", as: "nobody", method: "GET", path: path, header: []string{"Authorization", basicAuth("git", "x")}, status: 401},
			{name: "an unknown address is refused the same way", as: "nobody", method: "GET", path: "/terraform/0123", header: auth, status: 401},
			ask("there is no state at first", "GET", "", "", 404),
			ask("a lock needs an id", "LOCK", "", `{}`, 400),
			ask("a lock is described", "LOCK", "", ``, 400),
			ask("a client takes the lock", "LOCK", "", lockBody("one"), 200),
			ask("it may take it again", "LOCK", "", lockBody("one"), 200),
		})
		locked := func(name, method, query, body string) {
			t.Run(name, func(t *testing.T) {
				a := w.do("", method, path+query, body, auth...)
				require.Equal(t, 423, a.Status, a.Body)
				require.JSONEq(t, lockBody("one"), a.Body)
			})
		}
		locked("another client learns who has it", "LOCK", "", lockBody("two"))
		locked("another client does not give it back", "UNLOCK", "", lockBody("two"))
		locked("nobody else writes", "POST", "?ID=two", tfState(1))
		locked("nobody writes without the lock", "POST", "", tfState(1))
		locked("nobody drops the state", "DELETE", "", "")
		_, err := pool.States(w.st, w.ring).Lock(t.Context(), job.StateKey(w.stateKey()), job.TaskRef{TaskID: 1, Attempt: 1})
		var held *job.LockedError
		require.ErrorAs(t, err, &held, "a task works on a locked state")
		w.play([]scenario{
			ask("its holder writes", "POST", "?ID=one", tfState(1), 200),
			ask("and again", "POST", "?ID=one", tfState(2), 200),
			ask("and the same", "POST", "?ID=one", tfState(2), 200),
			ask("garbage is no state", "POST", "?ID=one", `{"a":1}`, 400),
			ask("no JSON is no state", "POST", "?ID=one", `x`, 400),
			{name: "what was changed on the way is refused", as: "nobody", method: "POST", path: path + "?ID=one", body: tfState(3), header: append([]string{"Content-MD5", "AAAA"}, auth...), status: 400},
			ask("it reads what was written", "GET", "", "", 200, `"serial":2`),
			{name: "versions are listed without their text", as: "guest", method: "GET", path: states, status: 200, contains: []string{`"serial":2`, `"serial":1`, `"inventory_id":{workspace}`}, lacks: []string{"canary", "task_id"},
				after: func(t *testing.T, w *world, a answer) {
					var list []struct{ ID int64 }
					a.decode(t, &list)
					require.Len(t, list, 2)
					w.ids["newest"], w.ids["oldest"] = list[0].ID, list[1].ID
				}},
			{name: "a guest sees no text of one", as: "guest", method: "GET", path: states + "/latest", status: 200, contains: []string{`"serial":2`}, lacks: []string{"canary"}},
			{name: "who runs tasks sees no text of one", as: "task_runner", method: "GET", path: states + "/{oldest}", status: 200, contains: []string{`"serial":1`}, lacks: []string{"canary"}},
			{name: "who manages does", as: "manager", method: "GET", path: states + "/{oldest}", status: 200, contains: []string{"canary-state", `\"serial\":1`}},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: states, status: 404},
			{name: "one of another workspace is not there", method: "GET", path: workspaces + "/{inventory}/terraform/states/{oldest}", status: 404},
			{name: "no version is deleted under a lock", method: "DELETE", path: states + "/{newest}", status: 409},
			ask("its holder gives it back", "UNLOCK", "", lockBody("one"), 200),
			ask("once more does no harm", "UNLOCK", "", lockBody("one"), 200),
			{name: "a guest may not delete a version", as: "guest", method: "DELETE", path: states + "/{newest}", status: 403},
			{name: "a version is deleted", method: "DELETE", path: states + "/{newest}", status: 204},
			{name: "and gone", method: "DELETE", path: states + "/{newest}", status: 404},
			ask("the one before is the newest", "GET", "", "", 200, `"serial":1`),
			ask("the state is dropped", "DELETE", "", "", 200),
			ask("and gone for Terraform", "GET", "", "", 404),
			{name: "but not for people", method: "GET", path: states, status: 200, contains: []string{`"serial":1`}, lacks: []string{`"serial":0`}},
			ask("another one begins", "POST", "", tfState(1), 200),
			ask("a client takes the lock and is lost", "LOCK", "", lockBody("lost"), 200),
			ask("force-unlock sends no body", "UNLOCK", "", "", 200),
			ask("the next one takes it", "LOCK", "", lockBody("next"), 200),
			ask("and gives it back", "UNLOCK", "", lockBody("next"), 200),
		})
		kept, err := w.st.Artifacts().State(t.Context(), w.stateKey())
		require.NoError(t, err)
		require.NotEmpty(t, kept.Data)
		require.NotContains(t, string(kept.Data), "canary-state", "a state is stored in clear")
	})
}

func TestTerraformAndTasks(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		path := w.workspace(t)
		auth := []string{"Authorization", basicAuth("git", hookSecret)}
		unlock, err := pool.States(w.st, w.ring).Lock(t.Context(), job.StateKey(w.stateKey()), job.TaskRef{TaskID: 7, Attempt: 1})
		require.NoError(t, err)
		for _, r := range [][2]string{{"LOCK", lockBody("one")}, {"POST", tfState(1)}, {"DELETE", ""}} {
			a := w.do("", r[0], path, r[1], auth...)
			require.Equal(t, 423, a.Status, a.Body)
			require.Contains(t, a.Body, "task 7")
		}
		require.NoError(t, unlock())
		require.Equal(t, 200, w.do("", "LOCK", path, lockBody("one"), auth...).Status, "a refused lock stayed")
		// What a restart forgets is the mark for tasks; the description stays.
		locks, err := w.st.Artifacts().StateLocks(t.Context())
		require.NoError(t, err)
		require.Negative(t, locks[w.stateKey()].TaskID)
		require.NoError(t, w.st.Artifacts().UnlockState(t.Context(), w.stateKey(), locks[w.stateKey()]))
		require.Equal(t, 423, w.do("", "LOCK", path, lockBody("two"), auth...).Status)
		require.Equal(t, 200, w.do("", "UNLOCK", path, lockBody("one"), auth...).Status)
		// A mark whose description is gone holds nobody up.
		_, err = w.st.Artifacts().LockState(t.Context(), w.stateKey(), store.StateLock{TaskID: -99})
		require.NoError(t, err)
		require.Equal(t, 200, w.do("", "LOCK", path, lockBody("two"), auth...).Status)
	})
}

func TestTerraformLockHasOneHolder(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		path := w.workspace(t)
		var wg sync.WaitGroup
		var won, lost atomic.Int32
		for i := range 8 {
			wg.Go(func() {
				switch w.do("", "LOCK", path, lockBody(fmt.Sprint(i)), "Authorization", basicAuth("git", hookSecret)).Status {
				case 200:
					won.Add(1)
				case 423:
					lost.Add(1)
				}
			})
		}
		wg.Wait()
		require.Equal(t, [2]int32{1, 7}, [2]int32{won.Load(), lost.Load()})
	})
}

// terraform runs the real program against the state at an address.
func terraform(ctx context.Context, dir, address string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
		"TF_HTTP_ADDRESS=" + address, "TF_HTTP_LOCK_ADDRESS=" + address, "TF_HTTP_UNLOCK_ADDRESS=" + address,
		"TF_HTTP_USERNAME=git", "TF_HTTP_PASSWORD=" + hookSecret, "TF_HTTP_RETRY_MAX=0",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestTerraformItself(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("terraform is not on PATH: the protocol is proven with scripted requests alone")
	}
	w := newWorldOn(t, options{idle: true}, openSQLite)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	path := w.workspace(t)
	address, dir := server.URL+"/api"+path, t.TempDir()
	config := "terraform {\n  backend \"http\" {}\n}\nresource \"terraform_data\" \"one\" {\n  input = \"canary-input\"\n}\noutput \"one\" {\n  value = terraform_data.one.output\n}\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.tf"), []byte(config), 0o600))
	run := func(args ...string) string {
		out, err := terraform(t.Context(), dir, address, args...)
		require.NoError(t, err, out)
		return out
	}
	run("init", "-input=false", "-no-color")
	require.Contains(t, run("apply", "-input=false", "-no-color", "-auto-approve"), "1 added")
	require.Equal(t, "canary-input\n", run("output", "-raw", "one")+"\n")
	kept, err := pool.States(w.st, w.ring).Load(t.Context(), job.StateKey(w.stateKey()))
	require.NoError(t, err)
	require.True(t, json.Valid(kept.Data))
	require.Contains(t, string(kept.Data), "canary-input")
	a := w.do("", "LOCK", path, lockBody("somebody-else"), "Authorization", basicAuth("git", hookSecret))
	require.Equal(t, 200, a.Status, "terraform has left its lock: %s", a.Body)
	out, err := terraform(t.Context(), dir, address, "apply", "-input=false", "-no-color", "-auto-approve", "-lock-timeout=0s", "-replace=terraform_data.one")
	require.Error(t, err)
	require.Contains(t, out, "somebody-else")
	run("force-unlock", "-force", "somebody-else")
	require.Contains(t, run("destroy", "-input=false", "-no-color", "-auto-approve"), "1 destroyed")
	require.Contains(t, w.do("guest", "GET", workspaces+"/{workspace}/terraform/states", "").Body, kept.Lineage)
}
