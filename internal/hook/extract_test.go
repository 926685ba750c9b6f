package hook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func extractor(source, dataType, key, variable, kind string) store.IntegrationExtractor {
	return store.IntegrationExtractor{Name: "x", ValueSource: source, BodyDataType: dataType, Key: key, Variable: variable, VariableType: kind}
}

func TestExtractFromPayloads(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file      string
		list      []store.IntegrationExtractor
		env, task map[string]string
	}{
		{"github_push.txt", []store.IntegrationExtractor{
			extractor("body", "json", "after", "commit", "environment"),
			extractor("body", "json", "repository.id", "repo_id", ""),
			extractor("body", "json", "head_commit.message", "text", ""),
			extractor("body", "json", "base_ref", "base", ""),
			extractor("body", "json", "commits.[0].modified", "files", ""),
			extractor("header", "", "X-GitHub-Event", "event", "environment"),
			extractor("header", "", "X-Absent", "absent", ""),
		}, map[string]string{
			"commit": "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5", "repo_id": "17273051", "event": "push", "absent": "",
			"text": "Roll out {{ version }} & <more>", "files": `["site.yml"]`,
		}, map[string]string{}},
		{"github_pull_request.txt", []store.IntegrationExtractor{
			extractor("body", "json", "number", "pr", ""),
			extractor("body", "json", "pull_request.labels.[0].name", "limit", "task"),
			extractor("body", "json", "pull_request.draft", "dry_run", "task"),
		}, map[string]string{"pr": "1347"}, map[string]string{"limit": "infra", "dry_run": "false"}},
		{"gitlab_push.txt", []store.IntegrationExtractor{
			extractor("body", "json", "commits.[1].author.name", "author", ""),
			extractor("body", "json", "user_id", "user_id", ""),
		}, map[string]string{"author": "GitLab dev user", "user_id": "4"}, map[string]string{}},
		{"gitea_push.txt", []store.IntegrationExtractor{
			extractor("body", "json", "repository.owner.login", "owner", ""),
		}, map[string]string{"owner": "gitea"}, map[string]string{}},
		{"bitbucket_push.txt", []store.IntegrationExtractor{
			extractor("body", "json", "push.changes.[0].new.target.hash", "commit", ""),
		}, map[string]string{"commit": "709d658dc5b6d6afcd46049c2f332ee3f515a67d"}, map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			env, task, err := hook.Extract(tt.list, load(t, tt.file))
			require.NoError(t, err)
			require.Equal(t, tt.env, env)
			require.Equal(t, tt.task, task)
		})
	}
}

func TestExtractWholeBody(t *testing.T) {
	t.Parallel()
	r := request("a\xffb")
	env, _, err := hook.Extract([]store.IntegrationExtractor{extractor("body", "string", "", "payload", "")}, r)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"payload": "a\uFFFDb"}, env)
	require.Equal(t, "a\xffb", string(r.Body))
}

func TestExtractOfAnEmptyBodyFindsNothing(t *testing.T) {
	t.Parallel()
	env, task, err := hook.Extract([]store.IntegrationExtractor{extractor("body", "json", "a", "a", "")}, request(""))
	require.NoError(t, err)
	require.Empty(t, env)
	require.Empty(t, task)
}

func TestExtractRefuses(t *testing.T) {
	t.Parallel()
	many := make([]store.IntegrationExtractor, 1000)
	big := []store.IntegrationExtractor{extractor("body", "string", "", "a", ""), extractor("body", "string", "", "b", ""), extractor("body", "string", "", "c", "")}
	tests := []struct {
		name string
		list []store.IntegrationExtractor
		body string
		want error
	}{
		{"a body that is no JSON", []store.IntegrationExtractor{extractor("body", "json", "a", "a", "")}, "payload=1", hook.ErrBody},
		{"a name that comes twice", []store.IntegrationExtractor{extractor("body", "json", "a", "a", "")}, `{"a":1,"a":2}`, hook.ErrBody},
		{"a NUL byte", []store.IntegrationExtractor{extractor("body", "json", "a", "a", "")}, `{"a":"x\u0000y"}`, hook.ErrBody},
		{"values that are too big", big, strings.Repeat("x", hook.MaxBody), hook.ErrTooMuch},
		{"too many values", many, "{}", hook.ErrTooMuch},
		{"a reserved name", []store.IntegrationExtractor{extractor("body", "json", "a", "LD_PRELOAD", "")}, `{"a":"/x.so"}`, job.ErrInvalid},
		{"a name of Ansible", []store.IntegrationExtractor{extractor("body", "json", "a", "ansible_connection", "")}, `{"a":"local"}`, job.ErrInvalid},
		{"a source that is unknown", []store.IntegrationExtractor{extractor("body", "xml", "a", "a", "")}, `<a/>`, job.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := hook.Extract(tt.list, request(tt.body))
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestMergePutsValuesOverSavedOnes(t *testing.T) {
	t.Parallel()
	req := pool.AddRequest{Task: store.Task{Environment: `{"a":"old","n":12345678901234567890}`, Params: json.RawMessage(`{"limit":["db"],"diff":true}`)}}
	shared := []string{"z", "of", "somebody", "else"}
	req.By.Extracted = shared[:1]
	got, err := hook.Merge(req, map[string]string{"a": "<new>", "b": "{{ x }}"}, map[string]string{"limit": "web, app", "debug_level": "3", "note": "hi"})
	require.NoError(t, err)
	require.Equal(t, `{"a":"<new>","b":"{{ x }}","n":12345678901234567890}`, got.Task.Environment)
	require.Equal(t, `{"debug_level":3,"diff":true,"limit":["web","app"],"note":"hi"}`, string(got.Task.Params))
	require.Equal(t, []string{"a", "b", "z"}, got.By.Extracted)

	require.Equal(t, `{"a":"old","n":12345678901234567890}`, req.Task.Environment, "the caller's request was changed")
	require.Equal(t, `{"limit":["db"],"diff":true}`, string(req.Task.Params))
	require.Equal(t, []string{"z", "of", "somebody", "else"}, shared)
}

func TestMergeNeedsNoSavedParameters(t *testing.T) {
	t.Parallel()
	for _, params := range []string{"", "null", " ", "{}"} {
		got, err := hook.Merge(pool.AddRequest{Task: store.Task{Params: json.RawMessage(params)}}, nil, map[string]string{"destroy": "true"})
		require.NoError(t, err, "%q", params)
		require.JSONEq(t, `{"destroy":true}`, string(got.Task.Params))
	}
	got, err := hook.Merge(pool.AddRequest{}, nil, nil)
	require.NoError(t, err)
	require.Equal(t, pool.AddRequest{}, got)
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		task  store.Task
		env   map[string]string
		param map[string]string
		field string
	}{
		{"saved variables that are damaged", store.Task{Environment: "[1]"}, map[string]string{"a": "b"}, nil, "environment"},
		{"saved parameters that are damaged", store.Task{Params: json.RawMessage(`[1]`)}, nil, map[string]string{"a": "b"}, "params"},
		{"a switch that is neither on nor off", store.Task{}, nil, map[string]string{"destroy": "maybe"}, "params.destroy"},
		{"a level that is no number", store.Task{}, nil, map[string]string{"debug_level": "high"}, "params.debug_level"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := hook.Merge(pool.AddRequest{Task: tt.task}, tt.env, tt.param)
			var field *job.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, tt.field, field.Field)
		})
	}
}
