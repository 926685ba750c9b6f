package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alexandervashurin/semaphore/job/internal/dirlimit"
	"github.com/alexandervashurin/semaphore/job/internal/giturl"
)

// GitCLI is the [Git] that runs git's own binary, 2.25 or later. The zero value
// is ready. git reads the system's and the user's configuration, so proxies,
// certificates and insteadOf work as they do in a shell; what a task or a
// repository configures has no effect on it.
//
// ssh keys are offered by an agent inside this process, login and password by a
// credential helper that answers for the remote's host only. Nothing secret is
// on a command line, in the environment or in .git/config.
type GitCLI struct {
	Binary string // Path or name of git. Defaults to "git", looked up on PATH.
}

var _ TaskGit = GitCLI{}

// Heads lists the branches of a remote.
func (g GitCLI) Heads(ctx context.Context, r Remote) (heads []Head, err error) {
	s, err := g.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	out, err := s.git(ctx, gitCall{args: headsArgs(r.URL)})
	if err != nil {
		return nil, s.explain(err)
	}
	s.learn()
	for line := range strings.Lines(out) {
		hash, ref, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			heads = append(heads, Head{Name: name, Hash: hash})
		}
	}
	slices.SortFunc(heads, func(a, b Head) int { return strings.Compare(a.Name, b.Name) })
	return heads, nil
}

// Clone makes an own clone in c.Dir. With c.Mirror it fetches into the mirror
// and shares or copies its objects; with c.Depth, or without a mirror, it
// fetches straight from the remote. After an error c.Dir is empty or missing as
// before.
func (g GitCLI) Clone(ctx context.Context, r Remote, c Clone) (_ Commit, err error) {
	if err := checkClone(c); err != nil {
		return Commit{}, err
	}
	if err := checkEmpty(c.Dir); err != nil {
		return Commit{}, err
	}
	s, err := g.open(ctx, r)
	if err != nil {
		return Commit{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if c.Depth > 0 {
		c.Mirror = ""
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(c.Dir))
		}
	}()
	return s.limited(ctx, c, func(ctx context.Context) (commit Commit, err error) {
		if c.Mirror == "" {
			commit, err = s.cloneDirect(ctx, c)
		} else {
			commit, err = s.cloneMirror(ctx, c)
		}
		if err != nil {
			return Commit{}, err
		}
		return commit, s.complete(ctx, g, c, workTree{dir: c.Dir, gitDir: filepath.Join(c.Dir, ".git")})
	})
}

// Update brings a kept checkout up to date. It is a full clone of its own,
// fetched straight from the remote. Its configuration is written anew each
// time, because tasks could have changed it; changes of tracked files are
// undone. A checkout whose .git is damaged is an error: it may hold files that
// exist nowhere else.
func (g GitCLI) Update(ctx context.Context, r Remote, c Clone) (_ Commit, err error) {
	c.Mirror, c.Pin = "", ""
	if err := checkClone(c); err != nil {
		return Commit{}, err
	}
	info, err := os.Lstat(filepath.Join(c.Dir, ".git"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return g.Clone(ctx, r, c)
	case err != nil:
		return Commit{}, fmt.Errorf("look at checkout: %w", err)
	case !info.IsDir():
		return Commit{}, damagedCheckout(c.Dir, errors.New(".git is no directory"))
	}
	s, err := g.open(ctx, r)
	if err != nil {
		return Commit{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.limited(ctx, c, func(ctx context.Context) (Commit, error) {
		commit, err := s.updateKept(ctx, c)
		if err != nil {
			return Commit{}, err
		}
		return commit, s.complete(ctx, g, c, workTree{dir: c.Dir, gitDir: filepath.Join(c.Dir, ".git")})
	})
}

// limited runs work under the size limit. The limit's own error is the clearer
// one.
func (s *gitSession) limited(ctx context.Context, c Clone, work func(context.Context) (Commit, error)) (Commit, error) {
	tooLarge := invalid("limits.repo_bytes", "the repository is larger than the limit of %d bytes: raise the limit, or clone with a depth", c.MaxBytes)
	watched, done := dirlimit.Watch(ctx, c.MaxBytes, tooLarge, c.Mirror, c.Dir)
	commit, err := work(watched)
	late := done()
	switch {
	case err != nil && errors.Is(context.Cause(watched), tooLarge) && ctx.Err() == nil:
		return Commit{}, tooLarge
	case err != nil:
		return Commit{}, err
	case late != nil:
		return Commit{}, late
	}
	return commit, nil
}

// checkClone checks what a caller may have taken from a user.
func checkClone(c Clone) error {
	if c.Dir == "" || !filepath.IsAbs(c.Dir) {
		return fmt.Errorf("clone into %q: the directory must be an absolute path", c.Dir)
	}
	if c.Mirror != "" && !filepath.IsAbs(c.Mirror) {
		return fmt.Errorf("clone by way of %q: the mirror must be an absolute path", c.Mirror)
	}
	if c.Ref != "" {
		if err := CheckRef(c.Ref); err != nil {
			return err
		}
	}
	if c.Commit != "" {
		if err := CheckCommit(c.Commit); err != nil {
			return err
		}
	}
	if c.Pin != "" {
		if err := giturl.CheckPin(c.Pin); err != nil {
			return fmt.Errorf("clone: %w", err)
		}
	}
	if c.Depth < 0 {
		return invalid("repository.depth", "is negative: use 0 for the whole history")
	}
	return nil
}

func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("clone: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("clone: %s is not empty and no git checkout: move its files away", dir)
	}
	return nil
}

func damagedCheckout(dir string, err error) error {
	return fmt.Errorf("the kept checkout %s is damaged: move it aside, it is cloned anew then; files of your own in it are untouched: %w", dir, err)
}
