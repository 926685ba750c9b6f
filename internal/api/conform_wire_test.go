package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// step is one request of a client, and what it is answered.
type step struct {
	name   string // of the golden file, for the second one of a route
	as     string // defaults to owner
	method string
	path   string
	body   string
	header []string
	status int
	shape  string // of the reply, see shapes; []name is a list of such, "" an empty body
	keep   string // what the id of the reply is called from then on
	after  func(t *testing.T, a answer)
}

// walk plays steps in order.
func (w *world) walk(t *testing.T, list []step) {
	t.Helper()
	for _, s := range list {
		switch s.as {
		case "":
			s.as = "owner"
		case "nobody":
			s.as = ""
		}
		a := w.do(s.as, s.method, s.path, s.body, s.header...)
		at := s.method + " " + s.path
		require.Equal(t, s.status, a.Status, "%s: %s", at, a.Body)
		require.NotEmpty(t, a.Header.Get("Content-Type"), at)
		if s.shape == "" {
			require.Empty(t, a.Body, at)
		} else {
			wantShape(t, at, s.shape, a.Body)
			wantGolden(t, s, a)
		}
		if s.keep != "" {
			var row struct{ ID int64 }
			a.decode(t, &row)
			w.ids[s.keep] = row.ID
		}
		if s.after != nil {
			s.after(t, a)
		}
	}
}

// wantShape checks that a reply has all members that clients know, of the types
// that they expect. Further ones are no matter.
func wantShape(t *testing.T, at, shape, body string) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(body), &v), at)
	items := []any{v}
	if name, list := strings.CutPrefix(shape, "[]"); list {
		shape = name
		require.IsType(t, []any{}, v, "%s: %s", at, body)
		items = v.([]any)
		require.NotEmpty(t, items, "%s: an empty list shows nothing", at)
	}
	if shape == "any" {
		return
	}
	members, known := shapes()[shape]
	require.True(t, known, "there is no shape %q", shape)
	for _, item := range items {
		for member := range strings.FieldsSeq(members) {
			name, kinds, _ := strings.Cut(member, ":")
			name, optional := strings.CutSuffix(name, "?")
			value, there := item.(map[string]any)[name]
			if !there && optional {
				continue
			}
			require.True(t, there, "%s: %s is missing: %s", at, name, body)
			require.True(t, ofKind(value, kinds), "%s: %s is %v, not %s", at, name, value, kinds)
		}
	}
}

// ofKind tells whether a value is of one of some kinds: "int|null".
func ofKind(v any, kinds string) bool {
	for one := range strings.SplitSeq(kinds, "|") {
		switch one {
		case "null":
			if v == nil {
				return true
			}
		case "int":
			if n, ok := v.(float64); ok && n == float64(int64(n)) {
				return true
			}
		case "time":
			text, _ := v.(string)
			if at, err := time.Parse(time.RFC3339Nano, text); err == nil && strings.HasSuffix(text, "Z") && !at.IsZero() {
				return true
			}
		case kind(v):
			return v != nil
		}
	}
	return false
}

// wantGolden compares a reply with that of testdata, which UPDATE_GOLDEN=1
// writes anew.
func wantGolden(t *testing.T, s step, a answer) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(a.Body), &v))
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(normal("", v)))
	got := b.Bytes()
	name := strings.NewReplacer("/", "_", "{", "", "}", "", "?", "_", "=", "-", "&", "_").Replace(s.method + s.path)
	if s.name != "" {
		name += "." + s.name
	} else if s.status >= 400 {
		name += "." + strconv.Itoa(s.status)
	}
	path := filepath.Join("testdata", "wire", name+".json")
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, got, 0o600))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "UPDATE_GOLDEN=1 writes it")
	if !bytes.Equal(want, got) {
		require.Equal(t, string(want), string(got), "%s: UPDATE_GOLDEN=1 takes the new one over", path)
	}
}

// normal replaces what is of the moment: times, ids and random texts.
func normal(name string, v any) any {
	switch x := v.(type) {
	case map[string]any:
		delete(x, "next_run") // which a pool fills in when it comes to it
		for n := range x {
			x[n] = normal(n, x[n])
		}
	case []any:
		for i := range x {
			x[i] = normal(name, x[i])
		}
	case float64:
		if name == "id" || strings.HasSuffix(name, "_id") {
			return "<id>"
		}
	case string:
		if _, err := time.Parse(time.RFC3339Nano, x); err == nil {
			return "<time>"
		}
		switch name {
		case "id", "token", "alias", "url", "private_key", "access_token", "refresh_token", "recovery_code":
			if x != "" {
				return "<text>"
			}
		}
	}
	return v
}

// shapes are the members that clients of Semaphore UI know. One with ? may be
// left out.
func shapes() map[string]string {
	const (
		task    = "id:int template_id:int project_id:int status:text playbook:text environment?:text secret?:text arguments?:text|null git_branch?:text|null user_id:int|null integration_id:int|null schedule_id:int|null created:time start:time|null end:time|null message?:text commit_hash?:text|null commit_message?:text build_task_id?:int|null version?:text|null params?:object limit:text"
		account = "id:int created:time username:text name:text email:text admin:bool external:bool alert:bool pro:bool"
		tpl     = "id:int project_id:int name:text app?:text playbook:text inventory_id?:int|null repository_id:int environment_id?:int|null arguments?:text|null allow_override_args_in_task?:bool allow_override_branch_in_task?:bool allow_parallel_tasks?:bool description?:text|null type?:text start_version?:text|null build_template_id?:int|null view_id?:int|null git_branch?:text|null survey_vars?:array task_params?:object runner_tag?:text|null tasks:int last_task?:object|null permissions:int|null"
		sched   = "id:int project_id:int template_id:int cron_format:text name:text active:bool type:text delete_after_run:bool repository_id:int|null run_at?:time"
	)
	return map[string]string{
		"emptied": strings.Replace(account, "created:time", "created:text", 1), "self": account + " can_create_project:bool has_active_subscription:bool", "account": account, "person": "id:int username:text name:text",
		"info":    "version:text ansible:text web_host:text use_remote_runner:bool auth_methods:object premium_features:object git_client:text schedule_timezone:text teams:object roles:array",
		"login":   "oidc_providers:array login_with_password:bool auth_methods:object",
		"project": "id:int created:time name:text alert?:bool alert_chat?:text|null max_parallel_tasks?:int type:text default_secret_storage_id?:int|null",
		"role":    "role:text permissions:int", "roleRow": "slug:text name:text permissions:int project_id?:int|null",
		"member":      "id:int username:text name:text role:text",
		"key":         "id:int name:text type:text project_id:int string:text login_password:object ssh:object empty?:bool owner?:text source_storage_id?:int|null",
		"repository":  "id:int name:text project_id:int git_url:text git_branch:text ssh_key_id:int",
		"inventory":   "id:int name:text project_id:int inventory:text ssh_key_id:int|null become_key_id:int|null type:text template_id:int|null repository_id:int|null runner_tag?:text",
		"group":       "id:int name:text project_id:int password:null json:text env:text|null secret_storage_id?:int|null",
		"groupSingle": "id:int name:text project_id:int password:null json:text env:text|null secrets:array",
		"view":        "id:int project_id:int title:text position:int type?:text hidden?:bool filter?:text|null sort_column?:text|null sort_reverse?:bool",
		"template":    tpl + " autorun?:bool suppress_success_alerts?:bool vaults?:array", "templateItem": tpl,
		"task": task, "taskItem": task + " tpl_playbook:text tpl_alias:text tpl_type?:text tpl_app?:text user_name?:text|null build_task?:object",
		"line":     "id:int task_id:int time:time output:text stage_id:int|null",
		"schedule": sched + " task_params?:object", "scheduleItem": sched + " tpl_name:text",
		"event":       "user_id:int|null project_id:int|null object_id:int|null object_type:text|null description:text|null created:time object_name:text project_name?:text|null username?:text|null",
		"stat":        "date:text count_by_status:object avg_duration:int",
		"integration": "id:int name:text project_id:int template_id:int auth_method:text auth_secret_id:int|null auth_header:text searchable:bool task_params?:object",
		"matcher":     "id:int integration_id:int name:text match_type:text method:text body_data_type:text key:text value:text",
		"value":       "id:int integration_id:int name:text value_source:text body_data_type:text key:text variable:text variable_type:text",
		"alias":       "id:int url:text", "token": "id:text created:time expired:bool user_id:int", "totp": "id:int created:time user_id:int url:text",
		"app": "id:text active:bool priority:int title:text icon:text color:text dark_color:text path:text args:array", "error": "error:text", "used": "error:text inUse:bool",
		"refs":    "templates:array inventories:array repositories:array integrations:array schedules:array access_keys:array",
		"storage": "id:int project_id:int name:text type:text params:object readonly:bool", "perm": "id:int role_slug:text template_id:int project_id:int permissions:int",
		"runner": "id:int webhook:text max_parallel_tasks:int active:bool name:text tag:text", "newRunner": "id:int name:text token:text private_key:text", "option": "key:text value:text",
		"stage": "id:int task_id:int start:time|null end:time|null type:text", "host": "host:text ok:int changed:int failed:int", "pair": "access_token:text refresh_token:text", "any": "",
	}
}
