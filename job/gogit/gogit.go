// Package gogit is a job.Git without a git binary, on go-git.
//
// It clones, updates and lists over http, https, ssh, git and local paths, with
// keys, tokens and host-key policies. It uses no mirror: every clone is a full
// one of its own. Files stored with LFS, submodules, an ssh configuration, ssh
// without a key and an administrator's insteadOf are beyond it and answered
// with job.ErrNeedsGit. It speaks SHA-1 repositories only.
package gogit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/internal/dirlimit"
)

// Git is a [job.Git] on go-git. The zero value is ready.
type Git struct{}

var _ job.Git = Git{}

// Heads lists the branches of a remote.
func (Git) Heads(ctx context.Context, r job.Remote) ([]job.Head, error) {
	s, err := open(r)
	if err != nil {
		return nil, err
	}
	refs, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	var heads []job.Head
	for _, ref := range refs {
		if ref.Name().IsBranch() && ref.Type() == plumbing.HashReference {
			heads = append(heads, job.Head{Name: ref.Name().Short(), Hash: ref.Hash().String()})
		}
	}
	slices.SortFunc(heads, func(a, b job.Head) int { return strings.Compare(a.Name, b.Name) })
	return heads, nil
}

// Clone makes a full clone, or one of c.Depth, in c.Dir. c.Mirror and c.Pin are
// not used. After an error c.Dir is gone.
func (g Git) Clone(ctx context.Context, r job.Remote, c job.Clone) (job.Commit, error) {
	if err := check(c); err != nil {
		return job.Commit{}, err
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return job.Commit{}, fmt.Errorf("clone: %w", err)
	}
	if len(entries) > 0 {
		return job.Commit{}, fmt.Errorf("clone: %s is not empty and no git checkout: move its files away", c.Dir)
	}
	s, err := open(r)
	if err != nil {
		return job.Commit{}, err
	}
	commit, err := s.limited(ctx, c, func(ctx context.Context) (job.Commit, error) {
		repo, err := git.PlainInit(c.Dir, false)
		if err != nil {
			return job.Commit{}, fmt.Errorf("clone: %w", err)
		}
		if err := s.configure(repo); err != nil {
			return job.Commit{}, err
		}
		return s.fetchAndCheckout(ctx, repo, c)
	})
	if err != nil {
		return job.Commit{}, errors.Join(err, os.RemoveAll(c.Dir))
	}
	return commit, nil
}

// Update brings a kept checkout up to date, or clones it. Its configuration is
// written anew, because tasks could have changed it.
func (g Git) Update(ctx context.Context, r job.Remote, c job.Clone) (job.Commit, error) {
	if err := check(c); err != nil {
		return job.Commit{}, err
	}
	info, err := os.Lstat(filepath.Join(c.Dir, ".git"))
	if errors.Is(err, os.ErrNotExist) {
		return g.Clone(ctx, r, c)
	}
	if err == nil && !info.IsDir() {
		err = errors.New(".git is no directory")
	}
	if err != nil {
		return job.Commit{}, damaged(c.Dir, err)
	}
	s, err := open(r)
	if err != nil {
		return job.Commit{}, err
	}
	return s.limited(ctx, c, func(ctx context.Context) (job.Commit, error) {
		repo, err := git.PlainOpen(c.Dir)
		if err != nil {
			return job.Commit{}, damaged(c.Dir, err)
		}
		if err := s.configure(repo); err != nil {
			return job.Commit{}, err
		}
		return s.fetchAndCheckout(ctx, repo, c)
	})
}

// Release does nothing: there are no mirrors, hence no pins.
func (Git) Release(context.Context, string, string) error { return nil }

// Describe tells the commit of the work tree that dir is in. A repository that
// go-git cannot read has none.
func (Git) Describe(ctx context.Context, dir string) (job.Commit, error) {
	if ctx.Err() != nil {
		return job.Commit{}, fmt.Errorf("read local repository: %w", context.Cause(ctx))
	}
	var c job.Commit
	err := await(ctx, func() (err error) { c, err = describeDir(dir); return err })
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil: // go-git may still be writing to c
		return job.Commit{}, fmt.Errorf("read local repository: %w", err)
	}
	return job.Commit{}, nil
}

// describeDir fails where there is no commit, or none that go-git can read.
func describeDir(dir string) (job.Commit, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return job.Commit{}, err
	}
	ref, err := repo.Head()
	if err != nil {
		return job.Commit{}, err
	}
	c, err := describe(repo, ref.Hash())
	if err != nil {
		return job.Commit{}, err
	}
	if ref.Name().IsBranch() {
		c.Branch = ref.Name().Short()
	}
	tree, err := repo.Worktree()
	if err != nil {
		return job.Commit{}, err
	}
	status, err := tree.Status()
	if err != nil {
		return job.Commit{}, err
	}
	if !status.IsClean() {
		c.Hash += "-dirty"
	}
	return c, nil
}

func describe(repo *git.Repository, hash plumbing.Hash) (job.Commit, error) {
	commit, err := repo.CommitObject(hash)
	if err != nil {
		return job.Commit{}, fmt.Errorf("read commit: %w", err)
	}
	subject, _, _ := strings.Cut(strings.TrimSpace(commit.Message), "\n\n")
	return job.Commit{Hash: hash.String(), Message: strings.ToValidUTF8(strings.Join(strings.Fields(subject), " "), "\uFFFD")}, nil
}

func damaged(dir string, err error) error {
	return fmt.Errorf("the kept checkout %s is damaged: move it aside, it is cloned anew then; files of your own in it are untouched: %w", dir, err)
}

func check(c job.Clone) error {
	if !filepath.IsAbs(c.Dir) {
		return fmt.Errorf("clone into %q: the directory must be an absolute path", c.Dir)
	}
	if c.Ref != "" {
		if err := job.CheckRef(c.Ref); err != nil {
			return err
		}
	}
	if c.Commit != "" {
		return job.CheckCommit(c.Commit)
	}
	return nil
}

// configure makes the repository's configuration what a fresh clone has.
func (s *session) configure(repo *git.Repository) error {
	c := config.NewConfig()
	c.Remotes["origin"] = &config.RemoteConfig{Name: "origin", URLs: []string{s.remote.URL}, Fetch: []config.RefSpec{headsRefspec}}
	if err := repo.SetConfig(c); err != nil {
		return fmt.Errorf("write git configuration: %w", err)
	}
	return nil
}

// limited bounds work by c.MaxBytes.
func (s *session) limited(ctx context.Context, c job.Clone, work func(context.Context) (job.Commit, error)) (job.Commit, error) {
	tooLarge := &job.FieldError{Field: "limits.repo_bytes", Reason: fmt.Sprintf("the repository is larger than the limit of %d bytes: raise the limit, or clone with a depth", c.MaxBytes)}
	watched, done := dirlimit.Watch(ctx, c.MaxBytes, tooLarge, c.Dir)
	commit, err := work(watched)
	late := done()
	switch {
	case err != nil && errors.Is(context.Cause(watched), tooLarge) && ctx.Err() == nil:
		return job.Commit{}, tooLarge
	case err != nil:
		return job.Commit{}, err
	case late != nil:
		return job.Commit{}, late
	}
	return commit, nil
}

// await runs work that cannot be cancelled everywhere, the ssh handshake above
// all. When ctx ends, work gets a moment to notice before it is left behind; it
// ends with its connection then.
func await(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("go-git: %v", p)
			}
		}()
		done <- work()
	}()
	select {
	case err := <-done:
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(2 * time.Second)
	defer grace.Stop()
	select {
	case <-done: //nolint:errcheck // the cause of the end is the answer
	case <-grace.C:
	}
	return context.Cause(ctx)
}
