package hook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/hook"
	"github.com/alexandervashurin/semaphore/store"
)

func matcher(source, dataType, key, method, value string) store.IntegrationMatcher {
	return store.IntegrationMatcher{Name: "m", MatchType: source, BodyDataType: dataType, Key: key, Method: method, Value: value}
}

func TestMatchPayloads(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file string
		m    store.IntegrationMatcher
		want bool
	}{
		{"github_push.txt", matcher("header", "", "x-github-event", "equals", "push"), true},
		{"github_push.txt", matcher("header", "", "X-GitHub-Event", "unequals", "push"), false},
		{"github_push.txt", matcher("header", "", "X-Absent", "equals", "push"), false},
		{"github_push.txt", matcher("header", "", "X-Absent", "unequals", "push"), true},
		{"github_push.txt", matcher("body", "json", "ref", "equals", "refs/heads/main"), true},
		{"github_push.txt", matcher("body", "json", "repository.id", "equals", "17273051"), true},
		{"github_push.txt", matcher("body", "json", "repository.private", "equals", "true"), true},
		{"github_push.txt", matcher("body", "json", "base_ref", "equals", "<nil>"), true},
		{"github_push.txt", matcher("body", "json", "commits.[0].modified.[0]", "equals", "site.yml"), true},
		{"github_push.txt", matcher("body", "json", "commits.[0].added", "contains", `"hosts/new"`), true},
		{"github_push.txt", matcher("body", "json", "commits.[1].id", "equals", "<nil>"), true},
		{"github_push.txt", matcher("body", "json", "commits.[-1].id", "equals", "<nil>"), true},
		{"github_push.txt", matcher("body", "json", "repository.[0]", "equals", "<nil>"), true},
		{"github_push.txt", matcher("body", "json", "commits.0.id", "equals", "<nil>"), true},
		{"github_push.txt", matcher("body", "string", "-", "contains", `"login":"octocat"`), true},
		{"github_push.txt", matcher("body", "string", "-", "equals", "push"), false},
		{"github_pull_request.txt", matcher("body", "json", "action", "equals", "opened"), true},
		{"github_pull_request.txt", matcher("body", "json", "pull_request.labels.[1].name", "equals", "urgent"), true},
		{"github_pull_request.txt", matcher("body", "json", "pull_request.head.repo.fork", "equals", "true"), true},
		{"gitlab_push.txt", matcher("header", "", "X-Gitlab-Event", "contains", "Push"), true},
		{"gitlab_push.txt", matcher("body", "json", "ref", "contains", "refs/heads/release/"), true},
		{"gitlab_push.txt", matcher("body", "json", "total_commits_count", "equals", "2"), true},
		{"gitea_push.txt", matcher("body", "json", "repository.size", "equals", "21.5"), true},
		{"bitbucket_push.txt", matcher("body", "json", "push.changes.[0].new.name", "equals", "production"), true},
		{"bitbucket_push.txt", matcher("header", "", "X-Event-Key", "equals", "repo:push"), true},
		{"bitbucket_push.txt", matcher("header", "", "X-Event-Key", "like", "repo:push"), false},
		{"bitbucket_push.txt", matcher("query", "", "X-Event-Key", "equals", "repo:push"), false},
		{"bitbucket_push.txt", matcher("body", "xml", "push", "unequals", "x"), false},
	}
	for _, tt := range tests {
		name := strings.Join([]string{tt.file, tt.m.MatchType, tt.m.Key, tt.m.Method, tt.m.Value}, " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, hook.Match(tt.m, load(t, tt.file)))
		})
	}
}

func TestNumbersCompareAsTheyWere(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"1": "1", "1.0": "1", "-0": "0", "2e3": "2000", "1.5": "1.5", "0.1": "0.1", "12.50": "12.50",
		"12345678901234567890": "12345678901234567890", "9007199254740993": "9007199254740993",
		"1e1000000000": "1e1000000000", "1e-1000000000": "1e-1000000000", "150e-1": "15",
	}
	for number, want := range tests {
		require.True(t, hook.Match(matcher("body", "json", "n", "equals", want), request(`{"n":`+number+`}`)), "%s is not %s", number, want)
	}
}

func TestUnreadableBodyMatchesNothingOfJSON(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, hook.MaxDepth+1) + "1" + strings.Repeat("}", hook.MaxDepth+1)
	allowed := strings.Repeat(`{"a":`, hook.MaxDepth) + "1" + strings.Repeat("}", hook.MaxDepth)
	for _, body := range []string{"", "payload=%7B%7D", `{"a":1`, `{"a":1} x`, `{"a":1}{}`, `{"a":1,"a":2}`, `{"b":{"a":1,"a":2}}`, deep} {
		require.False(t, hook.Match(matcher("body", "json", "z", "unequals", "x"), request(body)), "%.40s", body)
	}
	require.True(t, hook.Match(matcher("body", "json", "z", "unequals", "x"), request(allowed)))
	require.True(t, hook.Match(matcher("body", "json", "[0]", "equals", "1"), request(`[1]`)))
}

func TestMatchAllWantsEveryCondition(t *testing.T) {
	t.Parallel()
	r := request(`{"a":"x","b":"y"}`)
	a, b := matcher("body", "json", "a", "equals", "x"), matcher("body", "json", "b", "equals", "y")
	other := matcher("body", "json", "b", "equals", "z")
	require.True(t, hook.MatchAll([]store.IntegrationMatcher{a, b}, r))
	require.False(t, hook.MatchAll([]store.IntegrationMatcher{a, other}, r))
	require.False(t, hook.MatchAll(nil, r), "no condition must not mean every request")
}
