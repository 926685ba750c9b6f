package gogit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/internal/giturl"
)

// fetchAndCheckout brings the repository to what c asks for.
func (s *session) fetchAndCheckout(ctx context.Context, repo *git.Repository, c job.Clone) (job.Commit, error) {
	if c.Ref == "" && c.Commit == "" {
		ref, err := s.remoteHead(ctx)
		if err != nil {
			return job.Commit{}, err
		}
		c.Ref = ref
	}
	if c.Depth > 0 && c.Commit != "" && !giturl.IsFullHash(c.Commit) {
		return job.Commit{}, invalid("repository.commit", "%q is short: a clone with a depth needs the full hash", c.Commit)
	}
	hash, err := s.fetch(ctx, repo, c)
	if err != nil {
		return job.Commit{}, err
	}
	commit, err := describe(repo, hash)
	if err != nil {
		return job.Commit{}, err
	}
	if c.Commit == "" {
		commit.Branch = plumbing.ReferenceName(c.Ref).Short()
	}
	if err := s.refuse(repo, hash, c); err != nil {
		return job.Commit{}, err
	}
	return commit, s.checkout(ctx, repo, c.Dir, hash)
}

func invalid(field, format string, args ...any) error {
	return &job.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// remoteHead is the branch that the remote's HEAD names.
func (s *session) remoteHead(ctx context.Context) (string, error) {
	refs, err := s.list(ctx)
	if err != nil {
		return "", err
	}
	for _, ref := range refs {
		if ref.Name() == plumbing.HEAD && ref.Type() == plumbing.SymbolicReference && ref.Target().IsBranch() {
			return ref.Target().String(), nil
		}
	}
	return "", invalid("repository.branch", "is empty, and the repository's HEAD names no branch: name one")
}

// fetch brings branches and tags and returns the commit that c asks for. One
// that is on no branch is asked for by itself.
func (s *session) fetch(ctx context.Context, repo *git.Repository, c job.Clone) (plumbing.Hash, error) {
	specs := []config.RefSpec{headsRefspec, tagsRefspec}
	if err := s.fetchSpecs(ctx, repo, c.Depth, true, specs...); err != nil {
		return plumbing.ZeroHash, err
	}
	if c.Commit == "" {
		return resolveRef(repo, c.Ref)
	}
	hash, err := resolveHash(repo, strings.ToLower(c.Commit))
	if err != nil || !hash.IsZero() {
		return hash, err
	}
	spec := config.RefSpec(strings.ToLower(c.Commit) + ":refs/semaphore/commit")
	if err := s.fetchSpecs(ctx, repo, c.Depth, false, spec); err != nil {
		if ctx.Err() != nil {
			return plumbing.ZeroHash, err
		}
		return plumbing.ZeroHash, unknownCommit(c.Commit)
	}
	hash, err = resolveHash(repo, strings.ToLower(c.Commit))
	if err == nil && hash.IsZero() {
		err = unknownCommit(c.Commit)
	}
	return hash, err
}

func unknownCommit(hash string) error {
	return invalid("repository.commit", "%s is not in the repository, or its server does not give out commits that are on no branch", hash)
}

func (s *session) fetchSpecs(ctx context.Context, repo *git.Repository, depth int, prune bool, specs ...config.RefSpec) error {
	return s.bound(ctx, "fetch", func(ctx context.Context) error {
		if s.url.Scheme == "file" {
			return fetchLocal(ctx, repo, s.url.Path, prune, specs)
		}
		o := &git.FetchOptions{
			RefSpecs: specs, Depth: depth, Auth: s.auth, Tags: git.NoTags, Force: true, Prune: prune,
			ProxyOptions: s.proxy, CABundle: s.ca,
		}
		if s.remote.Progress != nil {
			o.Progress = progress{report: s.remote.Progress, mask: s.mask}
		}
		return s.endpoint(repo).FetchContext(ctx, o)
	})
}

// resolveRef looks a branch up, then a tag, and peels it.
func resolveRef(repo *git.Repository, name string) (plumbing.Hash, error) {
	candidates := []string{"refs/remotes/origin/" + name, "refs/tags/" + name}
	if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
		candidates = []string{"refs/remotes/origin/" + branch}
	} else if strings.HasPrefix(name, "refs/tags/") {
		candidates = []string{name}
	}
	for _, candidate := range candidates {
		ref, err := repo.Storer.Reference(plumbing.ReferenceName(candidate))
		if errors.Is(err, plumbing.ErrReferenceNotFound) {
			continue
		}
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("look up branch: %w", err)
		}
		return peel(repo, ref.Hash())
	}
	return plumbing.ZeroHash, invalid("repository.branch", "%q is no branch or tag of the repository", plumbing.ReferenceName(name).Short())
}

func peel(repo *git.Repository, hash plumbing.Hash) (plumbing.Hash, error) {
	for range 10 {
		tag, err := repo.TagObject(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return hash, nil
		}
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("look up tag: %w", err)
		}
		hash = tag.Target
	}
	return plumbing.ZeroHash, errors.New("look up tag: tags of tags without end")
}

// resolveHash finds a commit by full or short hash, or returns the zero hash
// for a full one that is not there.
func resolveHash(repo *git.Repository, prefix string) (plumbing.Hash, error) {
	if giturl.IsFullHash(prefix) {
		_, err := repo.CommitObject(plumbing.NewHash(prefix))
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return plumbing.ZeroHash, nil
		}
		return plumbing.NewHash(prefix), err
	}
	index, ok := repo.Storer.(interface {
		HashesWithPrefix(prefix []byte) ([]plumbing.Hash, error)
	})
	if !ok {
		return plumbing.ZeroHash, fmt.Errorf("short hashes: %w", job.ErrNeedsGit)
	}
	whole, err := hex.DecodeString(prefix[:len(prefix)/2*2])
	if err != nil {
		return plumbing.ZeroHash, job.CheckCommit("")
	}
	hashes, err := index.HashesWithPrefix(whole)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("look up commit: %w", err)
	}
	var found []plumbing.Hash
	for _, hash := range hashes {
		if _, err := repo.CommitObject(hash); err == nil && strings.HasPrefix(hash.String(), prefix) {
			found = append(found, hash)
		}
	}
	switch len(found) {
	case 0:
		return plumbing.ZeroHash, invalid("repository.commit", "%s is not in the repository: check it, or give the full hash of a commit that is on no branch", prefix)
	case 1:
		return found[0], nil
	default:
		return plumbing.ZeroHash, invalid("repository.commit", "%s fits %d commits: give more digits", prefix, len(found))
	}
}

var lfsPointer = []byte("version https://git-lfs.github.com/spec/")

// refuse answers ErrNeedsGit for a commit that go-git would check out wrong.
func (s *session) refuse(repo *git.Repository, hash plumbing.Hash, c job.Clone) error {
	commit, err := repo.CommitObject(hash)
	if err != nil {
		return fmt.Errorf("read commit: %w", err)
	}
	files, err := commit.Files()
	if err != nil {
		return fmt.Errorf("read commit: %w", err)
	}
	defer files.Close()
	pointer, attributes := "", false
	err = files.ForEach(func(f *object.File) error {
		switch {
		case c.Submodules && f.Name == ".gitmodules":
			return fmt.Errorf("submodules: %w", job.ErrNeedsGit)
		case path.Base(f.Name) == ".gitattributes":
			text, err := f.Contents()
			attributes = attributes || strings.Contains(text, "filter=lfs")
			return err
		case pointer == "" && f.Size < 1024 && isPointer(f):
			pointer = f.Name
		}
		return nil
	})
	if err == nil && attributes && pointer != "" {
		return fmt.Errorf("%s is stored with LFS: %w", pointer, job.ErrNeedsGit)
	}
	return err
}

func isPointer(f *object.File) bool {
	r, err := f.Reader()
	if err != nil {
		return false
	}
	defer r.Close()
	start := make([]byte, len(lfsPointer))
	_, err = io.ReadFull(r, start)
	return err == nil && bytes.Equal(start, lfsPointer)
}

// checkout moves the work tree. Changes of tracked files are undone, untracked
// files stay, and one in the way is an error. go-git's own checkout removes
// untracked files, so the reset is told which files are git's.
func (s *session) checkout(ctx context.Context, repo *git.Repository, dir string, hash plumbing.Hash) error {
	files, err := checkoutFiles(repo, dir, hash)
	if err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	if err := repo.Storer.SetReference(plumbing.NewHashReference(plumbing.HEAD, hash)); err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	if len(files) == 0 {
		return nil // an empty list would mean all files
	}
	err = await(ctx, func() error {
		return tree.Reset(&git.ResetOptions{Commit: hash, Mode: git.HardReset, Files: files})
	})
	if err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	return nil
}

// checkoutFiles are the files of the old and the new commit. It is an error if
// one that is only in the new one is there already.
func checkoutFiles(repo *git.Repository, dir string, hash plumbing.Hash) ([]string, error) {
	index, err := repo.Storer.Index()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	tracked := map[string]bool{}
	for _, e := range index.Entries {
		tracked[e.Name] = true
	}
	files := slices.Collect(maps.Keys(tracked))
	commit, err := repo.CommitObject(hash)
	if err != nil {
		return nil, fmt.Errorf("read commit: %w", err)
	}
	root, err := commit.Tree()
	if err != nil {
		return nil, fmt.Errorf("read commit: %w", err)
	}
	walk := object.NewTreeWalker(root, true, nil)
	defer walk.Close()
	for {
		name, entry, err := walk.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read commit: %w", err)
		}
		if entry.Mode == filemode.Dir || tracked[name] {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			return nil, fmt.Errorf("the untracked file %s is in the way of a file of the commit: move it away", name)
		}
		files = append(files, name)
	}
}
