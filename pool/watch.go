package pool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// watchers ask the remotes of schedules that watch a branch. They have
// goroutines of their own: a remote that hangs delays no other schedule.
type watchers struct {
	pool *TaskPool
	wg   sync.WaitGroup

	mu     sync.Mutex
	asking map[int64]bool // ids of schedules
}

// start deals with a schedule that is due, unless that is under way. Where all
// hands are busy it stays due.
func (w *watchers) start(ctx context.Context, s store.Schedule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asking[s.ID] || len(w.asking) >= watchesAtOnce {
		return
	}
	w.asking[s.ID] = true
	w.wg.Go(func() {
		if err := w.pool.fireOne(ctx, s); err != nil && ctx.Err() == nil {
			w.pool.cfg.Log.Error("watch a branch", "error", err)
			sleep(ctx, watchPause)
		}
		w.mu.Lock()
		delete(w.asking, s.ID)
		w.mu.Unlock()
		w.pool.tick.ring()
	})
}

func (w *watchers) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.asking) > 0
}

// wait returns when no remote is asked any more.
func (w *watchers) wait() { w.wg.Wait() }

// remoteHead asks the watched repository where its branch is.
func (p *TaskPool) remoteHead(ctx context.Context, s store.Schedule) (string, error) {
	repo, err := p.st.Repositories().Get(ctx, s.ProjectID, *s.RepositoryID)
	if err != nil {
		return "", fmt.Errorf("watched repository: %w", err)
	}
	heads, err := p.branches(ctx, repo)
	if err != nil {
		return "", err
	}
	for _, h := range heads {
		if h.Name == repo.GitBranch {
			return h.Hash, nil
		}
	}
	return "", fmt.Errorf("the watched repository has no branch %q", repo.GitBranch)
}

// ErrElsewhere tells that tasks do not run in this process, so that it has
// nothing to do with the directories that they use.
var ErrElsewhere = errors.New("tasks run on other machines")

// Branches lists the branches of a repository's remote. Those of a directory are
// listed only where this process runs tasks itself, which may use the directory
// then; elsewhere the answer is [ErrElsewhere].
func (p *TaskPool) Branches(ctx context.Context, project, repository int64) ([]job.Head, error) {
	repo, err := p.st.Repositories().Get(ctx, project, repository)
	if err != nil {
		return nil, fmt.Errorf("repository %d: %w", repository, err)
	}
	if p.worker == nil && job.LocalRepository(repo.GitURL) {
		return nil, fmt.Errorf("repository %d is a directory: %w", repository, ErrElsewhere)
	}
	return p.branches(ctx, repo)
}

// branches asks a remote with the repository's own key.
func (p *TaskPool) branches(ctx context.Context, repo store.Repository) ([]job.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	key, err := keyOpener{pool: p, project: repo.ProjectID}.key(ctx, repo.SSHKeyID)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "semaphore-heads-")
	if err != nil {
		return nil, fmt.Errorf("scratch directory: %w", err)
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // only helper files of a call that has ended
	remote := job.Remote{URL: repo.GitURL, Key: key, ScratchDir: scratch, Timeout: watchTimeout}
	spec := &job.Spec{Task: job.Task{ProjectID: repo.ProjectID}}
	project, err := p.st.Projects().Get(ctx, 0, repo.ProjectID)
	if err != nil {
		return nil, fmt.Errorf("project %d: %w", repo.ProjectID, err)
	}
	spec.HostKeys.Policy = job.HostKeyPolicy(project.HostKeys)
	if err := p.knownHosts(ctx, spec); err != nil {
		return nil, err
	}
	remote.HostKeys = spec.HostKeys
	heads, err := p.cfg.Git.Heads(ctx, remote)
	if err != nil {
		return nil, fmt.Errorf("branches of repository %q: %w", repo.Name, err)
	}
	return heads, nil
}
