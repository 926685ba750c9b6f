package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/alexandervashurin/semaphore/job/internal/giturl"
)

// cloneMirror clones from the mirror. Objects of a damaged mirror may be missed
// only now; then it is made anew, once.
func (s *gitSession) cloneMirror(ctx context.Context, c Clone) (Commit, error) {
	commit, err := s.cloneMirrorOnce(ctx, c)
	if !isCorrupt(err) {
		return commit, err
	}
	lock, lockErr := s.lockMirror(ctx, c.Mirror)
	if lockErr != nil {
		return Commit{}, lockErr
	}
	if err := errors.Join(s.setMirrorAside(c.Mirror, err), lock.Unlock(), os.RemoveAll(c.Dir)); err != nil {
		return Commit{}, err
	}
	return s.cloneMirrorOnce(ctx, c)
}

func (s *gitSession) cloneMirrorOnce(ctx context.Context, c Clone) (Commit, error) {
	commit, err := s.fetchMirror(ctx, c)
	if err != nil {
		return Commit{}, err
	}
	if _, err := s.git(ctx, gitCall{args: cloneArgs(c.Mirror, c.Dir, c.Private), local: true}); err != nil {
		return Commit{}, err
	}
	if c.Private { // a commit on no branch does not come with the clone
		if found, err := s.findCommit(ctx, c.Dir, commit.Hash); err != nil {
			return Commit{}, err
		} else if !found {
			call := gitCall{dir: c.Dir, args: fetchArgs(c.Mirror, 0, false, false, commit.Hash), local: true}
			if _, err := s.git(ctx, call); err != nil {
				return Commit{}, err
			}
		}
	}
	if _, err := s.git(ctx, gitCall{dir: c.Dir, args: []string{"config", "remote.origin.url", s.remote.URL}}); err != nil {
		return Commit{}, err
	}
	_, err = s.git(ctx, gitCall{dir: c.Dir, args: checkoutArgs(commit.Hash, false)})
	return commit, err
}

// cloneConfig is the configuration of a clone that is fetched straight from its
// remote.
const cloneConfig = `[core]
	repositoryformatversion = %%d
	filemode = true
	bare = false
	logallrefupdates = true
[remote "origin"]
	url = %s
	fetch = +refs/heads/*:refs/remotes/origin/*
`

var extensionPattern = regexp.MustCompile(`(?mi)^\s*(objectformat|refstorage)\s*=\s*(\w+)\s*$`)

func (s *gitSession) writeCloneConfig(gitDir string) error {
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.remote.URL) + `"`
	text := fmt.Sprintf(cloneConfig, strings.ReplaceAll(quoted, "%", "%%"))
	return writeGitConfig(gitDir, text)
}

// cloneDirect fetches from the remote into a new repository.
func (s *gitSession) cloneDirect(ctx context.Context, c Clone) (Commit, error) {
	commit, err := s.cloneFormat(ctx, c, "")
	if e, ok := errors.AsType[*gitError](err); ok && e.says("mismatched algorithms") {
		if err := os.RemoveAll(c.Dir); err != nil {
			return Commit{}, fmt.Errorf("clone anew: %w", err)
		}
		return s.cloneFormat(ctx, c, "sha256")
	}
	return commit, err
}

func (s *gitSession) cloneFormat(ctx context.Context, c Clone, format string) (Commit, error) {
	if _, err := s.git(ctx, gitCall{args: initArgs(c.Dir, format, false)}); err != nil {
		return Commit{}, err
	}
	if err := s.writeCloneConfig(filepath.Join(c.Dir, ".git")); err != nil {
		return Commit{}, err
	}
	commit, err := s.fetchClone(ctx, c)
	if err != nil {
		return Commit{}, err
	}
	_, err = s.git(ctx, gitCall{dir: c.Dir, args: checkoutArgs(commit.Hash, false)})
	return commit, err
}

// fetchClone fetches what c asks for into the repository in c.Dir.
func (s *gitSession) fetchClone(ctx context.Context, c Clone) (Commit, error) {
	if c.Ref == "" && c.Commit == "" {
		ref, err := s.remoteHead(ctx)
		if err != nil {
			return Commit{}, err
		}
		c.Ref = ref
	}
	if c.Depth > 0 {
		return s.fetchShallow(ctx, c)
	}
	call := gitCall{dir: c.Dir, args: fetchArgs("origin", 0, s.remote.Progress != nil, true, cloneRefspecs...)}
	if err := s.fetch(ctx, call); err != nil {
		return Commit{}, err
	}
	return s.resolve(ctx, c.Dir, c, "refs/remotes/origin/")
}

// fetchShallow fetches one commit, branch or tag with a bounded history.
func (s *gitSession) fetchShallow(ctx context.Context, c Clone) (Commit, error) {
	progress := s.remote.Progress != nil
	if c.Commit != "" {
		if !giturl.IsFullHash(c.Commit) {
			return Commit{}, invalid("repository.commit", "%q is short: a clone with a depth needs the full hash", c.Commit)
		}
		err := s.fetch(ctx, gitCall{dir: c.Dir, args: fetchArgs("origin", c.Depth, progress, false, strings.ToLower(c.Commit))})
		if err := s.unknownCommit(c.Commit, err); err != nil {
			return Commit{}, err
		}
		return s.resolve(ctx, c.Dir, c, "refs/remotes/origin/")
	}
	for _, ref := range refCandidates(c.Ref, "refs/heads/") {
		target := ref
		if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			target = "refs/remotes/origin/" + name
		}
		err := s.fetch(ctx, gitCall{dir: c.Dir, args: fetchArgs("origin", c.Depth, progress, false, "+"+ref+":"+target)})
		if e, ok := errors.AsType[*gitError](err); ok && e.says("couldn't find remote ref") {
			continue
		}
		if err != nil {
			return Commit{}, err
		}
		return s.resolve(ctx, c.Dir, c, "refs/remotes/origin/")
	}
	return Commit{}, unknownRef(c.Ref)
}

func unknownRef(ref string) error {
	return invalid("repository.branch", "%q is no branch or tag of the repository", shortRef(ref))
}

// unknownCommit turns what servers answer to a hash they do not have, or do not
// give out, into an error that names the field.
func (s *gitSession) unknownCommit(hash string, err error) error {
	if e, ok := errors.AsType[*gitError](err); ok && e.says("not our ref", "unadvertised object", "couldn't find remote ref", "did not send all necessary objects", "bad object", "no such remote ref", "missing necessary objects") {
		return invalid("repository.commit", "%s is not in the repository, or its server does not give out commits that are on no branch", hash)
	}
	return err
}

// updateKept fetches into the kept checkout and moves it.
func (s *gitSession) updateKept(ctx context.Context, c Clone) (Commit, error) {
	gitDir := filepath.Join(c.Dir, ".git")
	removeLeftovers(gitDir)
	if err := s.writeCloneConfig(gitDir); err != nil {
		return Commit{}, err
	}
	commit, err := s.fetchClone(ctx, c)
	if err == nil {
		_, err = s.git(ctx, gitCall{dir: c.Dir, args: append(noFilterConfig(), "reset", "--hard", "--quiet")})
		if e, ok := errors.AsType[*gitError](err); ok && e.says("Failed to resolve 'HEAD'", "ambiguous argument 'HEAD'") {
			err = nil // a first clone that was cut off
		}
	}
	if err == nil {
		_, err = s.git(ctx, gitCall{dir: c.Dir, args: checkoutArgs(commit.Hash, false)})
	}
	if isCorrupt(err) {
		return Commit{}, damagedCheckout(c.Dir, err)
	}
	return commit, err
}

// resolve finds the commit that c asks for in a repository whose branches lie
// below heads. A full hash that did not come with the branches is asked for by
// itself.
func (s *gitSession) resolve(ctx context.Context, dir string, c Clone, heads string) (Commit, error) {
	hash, err := "", error(nil)
	switch {
	case c.Commit == "":
		hash, err = s.resolveRef(ctx, dir, c.Ref, heads)
	case giturl.IsFullHash(c.Commit):
		hash, err = s.resolveHash(ctx, dir, strings.ToLower(c.Commit))
	default:
		hash, err = s.resolveShort(ctx, dir, strings.ToLower(c.Commit))
	}
	if err != nil {
		return Commit{}, err
	}
	commit := Commit{Hash: hash}
	if c.Commit == "" {
		commit.Branch = shortRef(c.Ref)
	}
	commit.Message, err = s.subject(ctx, dir, hash)
	return commit, err
}

func (s *gitSession) resolveRef(ctx context.Context, dir, ref, heads string) (string, error) {
	for _, candidate := range refCandidates(ref, heads) {
		hash, err := s.commitOf(ctx, dir, candidate)
		if err != nil || hash != "" {
			return hash, err
		}
	}
	return "", unknownRef(ref)
}

// commitOf peels a full ref or hash, or returns "".
func (s *gitSession) commitOf(ctx context.Context, dir, rev string) (string, error) {
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"rev-parse", "--verify", "--quiet", rev + "^{commit}"}})
	if e, ok := errors.AsType[*gitError](err); ok && strings.TrimSpace(e.text) == "" {
		return "", nil
	}
	return strings.TrimSpace(out), err
}

func (s *gitSession) findCommit(ctx context.Context, dir, hash string) (bool, error) {
	found, err := s.commitOf(ctx, dir, hash)
	return found != "", err
}

func (s *gitSession) resolveHash(ctx context.Context, dir, hash string) (string, error) {
	found, err := s.commitOf(ctx, dir, hash)
	if err != nil || found != "" {
		return found, err
	}
	err = s.fetch(ctx, gitCall{dir: dir, args: fetchArgs(s.remote.URL, 0, false, false, hash)})
	if err := s.unknownCommit(hash, err); err != nil {
		return "", err
	}
	found, err = s.commitOf(ctx, dir, hash)
	if err == nil && found == "" {
		err = invalid("repository.commit", "%s is no commit", hash)
	}
	return found, err
}

// resolveShort looks among objects only: a branch may be called like a hash.
func (s *gitSession) resolveShort(ctx context.Context, dir, prefix string) (string, error) {
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"rev-parse", "--disambiguate=" + prefix}})
	if err != nil {
		return "", err
	}
	var commits []string
	for _, hash := range strings.Fields(out) {
		kind, err := s.git(ctx, gitCall{dir: dir, args: []string{"cat-file", "-t", hash}})
		if err != nil {
			return "", err
		}
		if strings.TrimSpace(kind) == "commit" {
			commits = append(commits, hash)
		}
	}
	switch len(commits) {
	case 0:
		return "", invalid("repository.commit", "%s is not in the repository: check it, or give the full hash of a commit that is on no branch", prefix)
	case 1:
		return commits[0], nil
	default:
		return "", invalid("repository.commit", "%s fits %d commits: give more digits", prefix, len(commits))
	}
}
