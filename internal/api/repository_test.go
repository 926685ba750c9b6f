package api_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// fakeGit answers with two branches, or fails.
type fakeGit struct {
	job.Git
	fail error
}

func (g fakeGit) Heads(context.Context, job.Remote) ([]job.Head, error) {
	return []job.Head{{Name: "feature/one"}, {Name: "main"}}, g.fail
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	const all = "/project/{p}/repositories"
	backends(t, options{idle: true, pool: func(c *pool.Config) { c.Git = fakeGit{} }}, func(t *testing.T, w *world) {
		a := w.created("repo", "manager", all, `{"name":"repo","project_id":{p},"git_url":"git@git.example.org:a/b.git","git_branch":"release/2.x","ssh_key_id":{key}}`)
		require.Equal(t, []string{"git_branch", "git_url", "id", "name", "project_id", "ssh_key_id"}, members(t, a.Body))
		w.created("local", "owner", all, `{"name":"local","git_url":"/srv/playbooks","git_branch":"","ssh_key_id":{key}}`)
		body := func(url, branch string) string {
			return `{"name":"x","git_url":` + quoted(t, url) + `,"git_branch":` + quoted(t, branch) + `,"ssh_key_id":{key}}`
		}
		w.play([]scenario{
			{name: "are listed by name", as: "guest", method: "GET", path: all, status: 200, contains: []string{`"name":"code"`, `"name":"local"`, `"name":"repo"`}},
			{name: "an unknown column to sort by is left alone", method: "GET", path: all + "?sort=secret", status: 200},
			{name: "branches are listed whole", as: "task_runner", method: "GET", path: all + "/{repo}/branches", status: 200, contains: []string{`["feature/one","main"]`}},
			{name: "branches are not for guests", as: "guest", method: "GET", path: all + "/{repo}/branches", status: 403},
			{name: "those of a directory too, where its tasks run here", as: "task_runner", method: "GET", path: all + "/{local}/branches", status: 200, contains: []string{`["feature/one","main"]`}},
			{name: "a guest may not add one", as: "guest", method: "POST", path: all, body: body("https://h/r", "main"), status: 403},
			{name: "a stranger sees no project", as: "stranger", method: "GET", path: all, status: 404},
			{name: "nobody has to sign in", as: "nobody", method: "GET", path: all, status: 401},
			{name: "a name is needed", method: "POST", path: all, body: `{"git_url":"https://h/r","git_branch":"main","ssh_key_id":{key}}`, status: 400, contains: []string{"name"}},
			{name: "a key is needed", method: "POST", path: all, body: `{"name":"x","git_url":"https://h/r","git_branch":"main"}`, status: 400, contains: []string{"ssh_key_id"}},
			{name: "a key of another project is refused", method: "POST", path: all, body: `{"name":"x","git_url":"https://h/r","git_branch":"main","ssh_key_id":{q_key}}`, status: 400},
			{name: "a branch is needed", method: "POST", path: all, body: body("https://h/r", ""), status: 400, contains: []string{"git_branch"}},
			{name: "a branch is no option", method: "POST", path: all, body: body("https://h/r", "--upload-pack=x"), status: 400, contains: []string{"git_branch"}},
			{name: "a remote helper is no address", method: "POST", path: all, body: body("ext::sh -c id", "main"), status: 400, contains: []string{"git_url"}},
			{name: "an option is no address", method: "POST", path: all, body: body("--upload-pack=x", "main"), status: 400, contains: []string{"git_url"}},
			{name: "credentials stay out of an address", method: "POST", path: all, body: body("https://u:canary@h/r", "main"), status: 400, lacks: []string{"canary"}},
			{name: "a project of the body that differs makes nothing", method: "POST", path: all, body: `{"name":"x","project_id":{q},"git_url":"https://h/r","git_branch":"main","ssh_key_id":{key}}`, status: 400},
			{name: "one of another project does not exist", method: "PUT", path: all + "/{q_repository}", body: body("https://h/r", "main"), status: 404},
			{name: "one that a template needs stays", method: "DELETE", path: all + "/{repository}", status: 400, contains: []string{`"inUse":true`}},
			{name: "and the template is named", as: "guest", method: "GET", path: all + "/{repository}/refs", status: 200, contains: []string{`"templates":[{"id":{template},"name":"hello"}]`}},
			{name: "one is replaced", as: "manager", method: "PUT", path: all + "/{repo}", body: `{"id":{repo},"project_id":{p},"name":"new name","git_url":"https://h/r","git_branch":"main","ssh_key_id":{key}}`, status: 204},
			{name: "and shown", as: "guest", method: "GET", path: all + "/{repo}", status: 200, contains: []string{`"name":"new name"`, `"git_url":"https://h/r"`}},
			{name: "one is deleted", method: "DELETE", path: all + "/{repo}", status: 204},
			{name: "and gone", method: "GET", path: all + "/{repo}", status: 404},
		})
		w.wantEvents(t, store.EventRepository, `Repository "repo" created`, `Repository "new name" updated`, `Repository "new name" deleted`)
	})
}

func TestRepositoryThatCannotBeReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, pool: func(c *pool.Config) { c.Git = fakeGit{fail: errors.New("host not found: check the address")} }})
	w.play([]scenario{
		{name: "says why", method: "GET", path: "/project/{p}/repositories/{repository}/branches", status: 400, contains: []string{"check the address"}},
	})
}

func TestDirectoryOfAnotherMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, pool: func(c *pool.Config) { c.Git, c.Executor = fakeGit{}, nil }})
	w.created("path", "manager", "/project/{p}/repositories", `{"name":"path","git_url":"/srv/playbooks","ssh_key_id":{key}}`)
	w.created("file", "manager", "/project/{p}/repositories", `{"name":"file","git_url":"file:///srv/playbooks","ssh_key_id":{key}}`)
	w.play([]scenario{
		{name: "is not looked into", method: "GET", path: "/project/{p}/repositories/{path}/branches", status: 400, contains: []string{"write the name of the branch"}, lacks: []string{"/srv", "main"}},
		{name: "by its URL neither", method: "GET", path: "/project/{p}/repositories/{file}/branches", status: 400, contains: []string{"write the name of the branch"}, lacks: []string{"/srv", "main"}},
		{name: "while remotes are asked", method: "GET", path: "/project/{p}/repositories/{repository}/branches", status: 200, contains: []string{"main"}},
	})
}
