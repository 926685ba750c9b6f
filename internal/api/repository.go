package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

type repositoryInput struct {
	rowIDs
	Name      string `json:"name"`
	GitURL    string `json:"git_url"`
	GitBranch string `json:"git_branch"`
	SSHKeyID  int64  `json:"ssh_key_id"`
}

func (s *Server) repositoryRoutes() []route {
	repositories := resource[store.Repository, repositoryInput]{
		noun: "repository", path: "repositories", kind: store.KindRepository, event: store.EventRepository,
		table:   func(st store.Store) store.Table[store.Repository] { return st.Repositories() },
		sorts:   []string{"name", "git_url"},
		anySort: true,
		ids:     func(r *store.Repository) (*int64, *int64) { return &r.ID, &r.ProjectID },
		label:   func(r *store.Repository) string { return r.Name },
		read:    readRepository,
	}
	return append(repositories.routes(),
		route{method: "GET", path: "/project/{project}/repositories/{repository}/branches", right: canRun, handle: s.branches})
}

func readRepository(_ context.Context, _ *call, _ store.Store, in *repositoryInput, r *store.Repository) error {
	switch {
	case in.Name == "":
		return invalid("name", "is empty: name the repository")
	case in.GitURL == "":
		return invalid("git_url", "is empty: give an address or an absolute path")
	case in.SSHKeyID == 0:
		return invalid("ssh_key_id", "is missing: a key of type none serves public repositories")
	}
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	if err := job.CheckRepositoryURL(in.GitURL); err != nil {
		return refit("git_url", err)
	}
	switch {
	case in.GitBranch != "":
		if err := job.CheckRef(in.GitBranch); err != nil {
			return refit("git_branch", err)
		}
	case !job.LocalRepository(in.GitURL):
		return invalid("git_branch", "is empty: name a branch")
	}
	r.Name, r.GitURL, r.GitBranch, r.SSHKeyID = in.Name, in.GitURL, in.GitBranch, in.SSHKeyID
	return nil
}

// branches lists the branches of the remote, or of a directory that this server
// runs tasks in.
func (s *Server) branches(c *call) error {
	id, err := c.id("repository")
	if err != nil {
		return err
	}
	if _, err := s.st.Repositories().Get(c.ctx(), c.project.ID, id); err != nil {
		return named(err, "repository")
	}
	heads, err := s.pool.Branches(c.ctx(), c.project.ID, id)
	switch {
	case errors.Is(err, pool.ErrElsewhere):
		return answer(http.StatusBadRequest, "branches of a directory are listed where its tasks run, which is not on this server: write the name of the branch")
	case err != nil:
		return answer(http.StatusBadRequest, "list branches: "+clip(err.Error(), 300))
	}
	names := make([]string, 0, len(heads))
	for _, h := range heads {
		names = append(names, h.Name)
	}
	return c.json(http.StatusOK, names)
}
