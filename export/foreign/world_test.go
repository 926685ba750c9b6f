package foreign_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
	_ "modernc.org/sqlite"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/export/foreign"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/sqlite"
)

const (
	oldPassword = "correct horse"
	oldToken    = "kr1eod8fwp2q8ntg7mma0l0v3c9yfj5yqg0h-qxk_b0="
	totpURL     = "otpauth://totp/Semaphore:bob@example.org?algorithm=SHA1&digits=6&issuer=Semaphore&period=30&secret=JBSWY3DPEHPK3PXP"
	plainSSH    = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
	localState  = `{"version":4,"serial":3,"lineage":"aaaa-bbbb","resources":[]}`
)

// entry is a row to be put into the old database.
type entry struct {
	table  string
	values map[string]any
}

type v = map[string]any

// sealOld does what Semaphore UI does with a secret.
func sealOld(t testing.TB, key crypto.Key, plain string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(key.Encode())
	require.NoError(t, err)
	block, err := aes.NewCipher(raw)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	nonce := make([]byte, gcm.NonceSize())
	_, err = rand.Read(nonce)
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, []byte(plain), nil))
}

// at is a moment of the old installation's life.
func at(minute int) time.Time {
	return time.Date(2026, 2, 3, 4, minute, 0, 0, time.UTC)
}

// oldWorld are the rows of an installation, with what such ones suffer from.
func oldWorld(t testing.TB, key crypto.Key) []entry {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(oldPassword), bcrypt.MinCost)
	require.NoError(t, err)
	never := time.Time{}.Add(24 * time.Hour)
	rows := []entry{
		{"migrations", v{"version": "2.15.1", "upgraded_date": at(0)}},
		{"migrations", v{"version": "2.17.15", "upgraded_date": at(0)}},
		{"option", v{"key": "apps.bash.active", "value": "true"}},
		{"option", v{"key": "auth.identity.evil", "value": "1"}},
		{"user", v{"id": 1, "created": at(1), "username": "anna", "name": "Anna", "email": "anna@example.org", "password": string(hash), "admin": true, "alert": true}},
		{"user", v{"id": 2, "created": at(2), "username": "Bob", "name": "Bob", "email": "bob@example.org", "password": "", "external": true, "pro": true}},
		{"user", v{"id": 4, "created": never, "username": "ANNA", "name": "", "email": "Anna@example.org", "password": "md5:x"}},
		{"user__token", v{"id": oldToken, "created": at(3), "expired": false, "user_id": 1}},
		{"user__token", v{"id": strings.Repeat("x", 44), "created": at(3), "expired": true, "user_id": 99}},
		{"user__totp", v{"id": 5, "user_id": 2, "url": totpURL, "recovery_hash": string(hash), "created": at(4)}},
		{"project", v{"id": 1, "created": at(5), "name": "demo", "alert": true, "alert_chat": "-100", "max_parallel_tasks": 3, "type": "", "default_secret_storage_id": 1}},
		{"project", v{"id": 7, "created": at(6), "name": "other", "alert": false, "type": "", "default_secret_storage_id": 88}},
		{"role", v{"slug": "deployer", "name": "Deployer", "permissions": 1, "project_id": 1}},
		{"project__user", v{"project_id": 1, "user_id": 1, "role": "owner"}},
		{"project__user", v{"project_id": 1, "user_id": 2, "role": "deployer"}},
		{"project__user", v{"project_id": 1, "user_id": 99, "role": "owner"}},
		{"project__user", v{"project_id": 99, "user_id": 1, "role": "owner"}},
		{"project__invite", v{"id": 1, "project_id": 1, "email": "c@example.org", "role": "guest", "status": "pending", "token": "inv", "inviter_user_id": 1, "created": at(7)}},
		{"project__secret_storage", v{"id": 1, "project_id": 1, "name": "vault", "type": "vault", "params": `{"url":"https://vault"}`, "readonly": true}},
		{"project__environment", v{"id": 1, "project_id": 1, "json": `{"a":1}`, "name": "vars", "env": `{"E":"1"}`}},
		{"project__environment", v{"id": 2, "project_id": 7, "json": "", "name": "empty"}},
		{"access_key", v{"id": 1, "name": "None", "type": "none", "project_id": 1, "owner": ""}},
		{"access_key", v{"id": 2, "name": "login", "type": "login_password", "project_id": 1, "owner": "", "secret": sealOld(t, key, `{"login":"root","password":"hush-login"}`)}},
		{"access_key", v{"id": 3, "name": "legacy", "type": "ssh", "project_id": 1, "owner": "", "secret": plainSSH}},
		{"access_key", v{"id": 4, "name": "TOKEN", "type": "string", "project_id": 1, "owner": "environment", "environment_id": 1, "secret": sealOld(t, key, "hush-env")}},
		{"access_key", v{"id": 5, "name": "lost", "type": "login_password", "project_id": 1, "owner": "", "secret": sealOld(t, crypto.GenerateKey(), `{"login":"x","password":"y"}`)}},
		{"access_key", v{"id": 6, "name": "orphan", "type": "none", "project_id": 99, "owner": ""}},
		{"access_key", v{"id": 7, "name": "from env", "type": "string", "project_id": 1, "owner": "", "source_storage_type": "env", "source_storage_key": "DB_PASS"}},
		{"access_key", v{"id": 8, "name": "token", "type": "string", "project_id": 1, "owner": "vault", "storage_id": 1, "secret": base64.StdEncoding.EncodeToString([]byte("hush-vault"))}},
		{"access_key", v{"id": 9, "name": "odd", "type": "pgp", "project_id": 1, "owner": ""}},
		{"project__view", v{"id": 1, "title": "All", "project_id": 1, "position": 0, "type": "all"}},
		{"project__repository", v{"id": 1, "project_id": 1, "git_url": "https://example.org/a.git", "ssh_key_id": 2, "name": "code", "git_branch": "main"}},
		{"project__repository", v{"id": 2, "project_id": 7, "git_url": "/srv/code", "ssh_key_id": 77, "name": "local", "git_branch": ""}},
		{"project__inventory", v{"id": 1, "project_id": 1, "type": "static", "inventory": "localhost", "ssh_key_id": 3, "name": "hosts", "become_key_id": 66, "template_id": nil}},
		{"project__inventory", v{"id": 2, "project_id": 1, "type": "terraform-workspace", "inventory": "default", "name": "ws", "template_id": 3}},
		{"project__inventory", v{"id": 3, "project_id": 1, "type": "file", "inventory": "/etc/ansible/hosts", "name": "absolute", "template_id": 55}},
	}
	return append(append(rows, oldTemplates(never)...), oldTasks(never)...)
}

func oldTemplates(never time.Time) []entry {
	return []entry{
		{"project__template", v{"id": 1, "project_id": 1, "inventory_id": 1, "repository_id": 1, "environment_id": 1, "playbook": "site.yml", "name": "site", "type": "", "app": "ansible", "tasks": 2, "view_id": 1, "arguments": `["-v"]`,
			"survey_vars": `[{"name":"n","title":"N","required":true},{"name":"s","title":"S","type":"secret","default_value":"leak-me"}]`, "task_params": `{"allow_debug":true}`, "allow_parallel_tasks": true, "suppress_success_alerts": true}},
		{"project__template", v{"id": 2, "project_id": 1, "repository_id": 1, "playbook": "b.sh", "name": "script", "type": "deploy", "app": "bash", "build_template_id": 44, "autorun": true, "survey_vars": nil}},
		{"project__template", v{"id": 3, "project_id": 1, "inventory_id": 2, "repository_id": 1, "playbook": "infra", "name": "infra", "type": "", "app": "terraform"}},
		{"project__template", v{"id": 4, "project_id": 1, "repository_id": 2, "playbook": "x", "name": "foreign repository", "type": "", "app": "ansible"}},
		{"project__template_vault", v{"id": 1, "project_id": 1, "template_id": 1, "vault_key_id": 2, "name": nil, "type": "password"}},
		{"project__template_role", v{"id": 1, "template_id": 1, "role_slug": "deployer", "project_id": 1, "permissions": 4}},
		{"project__template_role", v{"id": 2, "template_id": 1, "role_slug": "gone", "project_id": 1, "permissions": 4}},
		{"project__task_params", v{"id": 1, "project_id": 1, "environment": `{"x":"y"}`, "message": "nightly", "params": `{"debug":true}`}},
		{"project__task_params", v{"id": 2, "project_id": 1, "environment": "{}"}},
		{"project__schedule", v{"id": 1, "template_id": 1, "project_id": 1, "cron_format": "*/5 * * * *", "name": "often", "active": true, "task_params_id": 1, "type": ""}},
		{"project__schedule", v{"id": 2, "template_id": 1, "project_id": 1, "cron_format": "", "name": "once", "active": true, "type": "run_at", "run_at": never}},
		{"project__schedule", v{"id": 3, "template_id": 99, "project_id": 1, "cron_format": "* * * * *", "name": "orphan", "active": true, "type": ""}},
		{"project__integration", v{"id": 1, "name": "hook", "project_id": 1, "template_id": 1, "auth_method": "none", "auth_secret_id": 2, "searchable": true, "task_params_id": 1}},
		{"project__integration_alias", v{"id": 1, "alias": "0123456789abcdef", "project_id": 1, "integration_id": 1}},
		{"project__integration_alias", v{"id": 2, "alias": "0123456789ABCDEF", "project_id": 7}},
		{"project__integration_matcher", v{"id": 1, "name": "m", "integration_id": 1, "match_type": "body", "method": "equals", "body_data_type": "json", "key": "a.b", "value": "c"}},
		{"project__integration_matcher", v{"id": 2, "name": "m", "integration_id": 9, "match_type": "body", "method": "equals", "body_data_type": "json", "key": "a.b", "value": "c"}},
		{"project__integration_extract_value", v{"id": 1, "name": "e", "integration_id": 1, "value_source": "body", "body_data_type": "json", "key": "ref", "variable": "ref", "variable_type": "environment"}},
		{"project__terraform_inventory_alias", v{"project_id": 1, "inventory_id": 2, "auth_key_id": 2, "alias": "tfalias"}},
		{"project__terraform_inventory_state", v{"id": 1, "created": at(30), "project_id": 1, "inventory_id": 2, "state": `{"version":4,"serial":9,"lineage":"cccc","resources":[]}`}},
		{"project__terraform_inventory_state", v{"id": 2, "created": at(30), "project_id": 1, "inventory_id": 1, "state": `{"version":4}`}},
		{"runner", v{"id": 1, "project_id": nil, "token": "runner-token-1", "webhook": "", "max_parallel_tasks": 2, "name": "box", "active": true, "public_key": "", "tag": "gpu", "touched": at(9)}},
	}
}

func oldTasks(never time.Time) []entry {
	rows := []entry{
		{"task", v{"id": 1, "template_id": 1, "status": "success", "playbook": "", "environment": "{}", "created": at(10), "start": at(11), "end": at(12), "user_id": 1, "project_id": 1, "message": "hello", "version": "v1", "commit_hash": "abc", "commit_message": "c", "params": `{"debug":true}`}},
		{"task", v{"id": 2, "template_id": 1, "status": "running", "playbook": "", "created": at(13), "start": at(14), "user_id": 99, "project_id": 1, "message": "", "build_task_id": 98, "schedule_id": 3}},
		{"task", v{"id": 3, "template_id": 99, "status": "success", "playbook": "", "created": at(13), "project_id": 1}},
		{"task", v{"id": 6, "template_id": 3, "status": "strange", "playbook": "", "created": never, "project_id": 7}},
		{"task__stage", v{"id": 1, "task_id": 1, "start": at(11), "end": at(12), "type": "running"}},
		{"task__stage_result", v{"id": 1, "task_id": 1, "stage_id": 1, "json": `{"ok":1}`}},
		{"task__ansible_host", v{"id": 1, "task_id": 1, "project_id": 1, "host": "web", "ok": 3, "changed": 1, "created": at(12)}},
		{"task__ansible_error", v{"id": 1, "task_id": 1, "project_id": 1, "host": "web", "task": "ping", "error": "unreachable", "created": at(12)}},
		{"event", v{"id": 1, "project_id": 1, "object_id": 1, "object_type": "task", "description": "task run", "created": at(12), "user_id": 1}},
		{"event", v{"id": 2, "project_id": 99, "object_type": "project", "description": "gone", "created": at(12), "user_id": 99}},
	}
	for i := range 30 {
		rows = append(rows,
			entry{"task__output", v{"id": 2*i + 1, "task_id": 1, "time": at(11).Add(time.Duration(i) * time.Second), "output": fmt.Sprintf("one %d", i)}},
			entry{"task__output", v{"id": 2*i + 2, "task_id": 2, "time": at(14).Add(time.Duration(i) * time.Second), "output": fmt.Sprintf("two %d", i)}})
	}
	return append(rows, entry{"task__output", v{"id": 100, "task_id": 98, "time": at(15), "output": "orphan"}})
}

// insert puts rows into a database that has the tables. Columns that are left
// out of the schema are left out of the rows.
func insert(ctx context.Context, t testing.TB, db *sql.DB, d dialect, rows []entry, without ...string) {
	t.Helper()
	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	for _, e := range rows {
		var names, marks []string
		var args []any
		for name, value := range e.values {
			if slices.Contains(without, e.table+"."+name) {
				continue
			}
			names = append(names, d.quote+name+d.quote)
			args = append(args, value)
			if d.name == "postgres" {
				marks = append(marks, fmt.Sprintf("$%d", len(args)))
			} else {
				marks = append(marks, "?")
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO "+d.quote+e.table+d.quote+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
		require.NoErrorf(t, err, "%s %v", e.table, e.values)
	}
	require.NoError(t, tx.Commit())
}

// fill makes tables and rows.
func fill(t testing.TB, db *sql.DB, d dialect, rows []entry, without ...string) {
	t.Helper()
	for _, q := range d.create(without...) {
		_, err := db.ExecContext(context.Background(), q)
		require.NoError(t, err, q)
	}
	insert(context.Background(), t, db, d, rows, without...)
}

// oldFile is a SQLite file of Semaphore UI.
func oldFile(t testing.TB, rows []entry, without ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "database.sqlite")
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	fill(t, db, dialects()["sqlite"], rows, without...)
	require.NoError(t, db.Close())
	return file
}

// target is a store to import into.
type target struct {
	file string
	ring *crypto.Ring
}

func newTarget(t testing.TB) target {
	t.Helper()
	ring, err := crypto.NewRing(crypto.GenerateKey())
	require.NoError(t, err)
	return target{filepath.Join(t.TempDir(), "new", "semaphore.db"), ring}
}

func (g target) open(t testing.TB) store.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), g.file, sqlite.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// importFrom imports and returns what is there afterwards.
func (g target) importFrom(t testing.TB, s foreign.Source, o foreign.Options) (foreign.Report, store.Store) {
	t.Helper()
	i, err := foreign.Open(t.Context(), s)
	require.NoError(t, err)
	st := g.open(t)
	rep, err := i.Import(t.Context(), st, g.ring, o)
	require.NoError(t, err)
	require.NoError(t, i.Close())
	require.NoError(t, i.Close())
	require.NoError(t, st.Close())
	return rep, g.open(t)
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return b
}
