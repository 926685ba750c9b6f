package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/job/internal/giturl"
)

// mirrorConfig is the whole configuration of a mirror. It is written before
// each use, so that nothing anybody left there takes effect.
const mirrorConfig = `[core]
	repositoryformatversion = %d
	filemode = true
	bare = true
[uploadpack]
	allowAnySHA1InWant = true
`

// mirrorLock is held as long as a fetch takes; refsLock, which may be waited for
// while holding it, for a moment only. Under refsLock pins go away while
// somebody else fetches, and lock files that a killed git has left are removed:
// those of a git at work stay.
func mirrorLock(mirror string) string { return mirror + ".lock" }
func refsLock(mirror string) string   { return mirror + ".refs.lock" }

// lockMirror waits until nobody else fetches, pins or collects garbage.
func (s *gitSession) lockMirror(ctx context.Context, mirror string) (*flock.Lock, error) {
	lock, err := flock.Wait(ctx, mirrorLock(mirror), func() { s.say("waiting for another fetch of this repository") })
	if err != nil {
		return nil, fmt.Errorf("lock mirror: %w", err)
	}
	return lock, nil
}

// fetchMirror brings the mirror up to date, finds the commit that c asks for
// and pins it, all under the mirror's lock. A damaged mirror is moved aside and
// made anew, once.
func (s *gitSession) fetchMirror(ctx context.Context, c Clone) (_ Commit, err error) {
	if err := os.MkdirAll(filepath.Dir(c.Mirror), 0o700); err != nil {
		return Commit{}, fmt.Errorf("make mirror directory: %w", err)
	}
	lock, err := s.lockMirror(ctx, c.Mirror)
	if err != nil {
		return Commit{}, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	commit, err := s.fetchLocked(ctx, c)
	if isCorrupt(err) {
		if err := s.setMirrorAside(c.Mirror, err); err != nil {
			return Commit{}, err
		}
		commit, err = s.fetchLocked(ctx, c)
	}
	return commit, err
}

func isCorrupt(err error) bool {
	e, ok := errors.AsType[*gitError](err)
	return ok && e.corrupt()
}

// setMirrorAside keeps a damaged mirror for a look, in the place of an older
// one. Clones that share its objects find those of the new mirror instead.
func (s *gitSession) setMirrorAside(mirror string, reason error) error {
	aside := mirror + ".damaged"
	s.say("the mirror is damaged (%v): it is kept as %s and made anew", reason, filepath.Base(aside))
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("move damaged mirror: %w", err)
	}
	if err := os.Rename(mirror, aside); err != nil {
		return fmt.Errorf("move damaged mirror: %w", err)
	}
	return nil
}

func (s *gitSession) fetchLocked(ctx context.Context, c Clone) (Commit, error) {
	err := s.prepareMirror(ctx, c.Mirror, "")
	if err != nil {
		return Commit{}, err
	}
	if c.Ref == "" && c.Commit == "" {
		if c.Ref, err = s.remoteHead(ctx); err != nil {
			return Commit{}, err
		}
		if _, err := s.git(ctx, gitCall{dir: c.Mirror, args: []string{"symbolic-ref", "HEAD", c.Ref}}); err != nil {
			return Commit{}, err
		}
	}
	fetch := gitCall{dir: c.Mirror, args: fetchArgs(s.remote.URL, 0, s.remote.Progress != nil, true, mirrorRefspecs...)}
	err = s.fetch(ctx, fetch)
	if e, ok := errors.AsType[*gitError](err); ok && e.says("mismatched algorithms") {
		if err := os.RemoveAll(c.Mirror); err != nil {
			return Commit{}, fmt.Errorf("make mirror anew: %w", err)
		}
		if err := s.prepareMirror(ctx, c.Mirror, "sha256"); err != nil {
			return Commit{}, err
		}
		err = s.fetch(ctx, fetch)
	}
	if err != nil {
		return Commit{}, err
	}
	commit, err := s.resolve(ctx, c.Mirror, c, "refs/heads/")
	if err != nil || c.Pin == "" {
		return commit, err
	}
	_, err = s.git(ctx, gitCall{dir: c.Mirror, args: []string{"update-ref", pinRef(c.Pin), commit.Hash}})
	return commit, err
}

// fetch runs one remote command, learns host keys and explains failures.
func (s *gitSession) fetch(ctx context.Context, call gitCall) error {
	if _, err := s.git(ctx, call); err != nil {
		return s.explain(err)
	}
	s.learn()
	return nil
}

// prepareMirror makes the mirror if it is missing and puts it in order. The
// mirror's lock is held.
func (s *gitSession) prepareMirror(ctx context.Context, mirror, format string) error {
	if _, err := os.Stat(filepath.Join(mirror, "HEAD")); err != nil {
		fresh := mirror + ".new"
		if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(mirror)); err != nil {
			return fmt.Errorf("make mirror: %w", err)
		}
		if _, err := s.git(ctx, gitCall{args: initArgs(fresh, format, true)}); err != nil {
			return err
		}
		if err := os.Rename(fresh, mirror); err != nil {
			return fmt.Errorf("make mirror: %w", err)
		}
	}
	return orderMirror(ctx, mirror)
}

// orderMirror removes locks and half packs that a killed git has left, and
// writes the configuration. The mirror's lock is held, so nobody writes but who
// drops a pin.
func orderMirror(ctx context.Context, mirror string) error {
	lock, err := flock.Wait(ctx, refsLock(mirror), nil)
	if err != nil {
		return fmt.Errorf("lock mirror's references: %w", err)
	}
	removeLeftovers(mirror)
	return errors.Join(lock.Unlock(), writeGitConfig(mirror, mirrorConfig))
}

// removeLeftovers deletes lock files and temporary packs. It follows no link
// out of gitDir, which a task may have written to.
func removeLeftovers(gitDir string) {
	root, err := os.OpenRoot(gitDir)
	if err != nil {
		return // git itself will say what is wrong with it
	}
	defer root.Close()
	for _, pattern := range []string{"*.lock", "packed-refs.new", "objects/info/*.lock", "objects/pack/tmp_*", "objects/??/tmp_obj_*", "gc.pid*"} {
		names, _ := fs.Glob(root.FS(), pattern) // gitDir itself may hold characters that mean something in a pattern
		for _, name := range names {
			_ = root.Remove(name)
		}
	}
	_ = fs.WalkDir(root.FS(), "refs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".lock") {
			_ = root.Remove(path)
		}
		return nil
	})
}

// remoteHead is the branch that the remote's HEAD names, in full.
func (s *gitSession) remoteHead(ctx context.Context) (string, error) {
	out, err := s.git(ctx, gitCall{args: headArgs(s.remote.URL)})
	if err != nil {
		return "", s.explain(err)
	}
	s.learn()
	for line := range strings.Lines(out) {
		if ref, ok := strings.CutPrefix(line, "ref: "); ok {
			ref, _, _ = strings.Cut(ref, "\t")
			if strings.HasPrefix(ref, "refs/heads/") && giturl.CheckRef(ref) == nil {
				return ref, nil
			}
		}
	}
	return "", invalid("repository.branch", "is empty, and the repository's HEAD names no branch: name one")
}

// Release forgets a pin and, if nobody uses the mirror just now, lets git tidy
// it. While any pin is left nothing is pruned, and without pins only what has
// been unreachable for two weeks.
func (g GitCLI) Release(ctx context.Context, mirror, pin string) (err error) {
	if err := giturl.CheckPin(pin); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if !isMirror(mirror) {
		return nil // no mirror, no pin
	}
	s := &gitSession{bin: g.Binary, env: gitEnviron(nil).list(), mask: keyMask(nil)}
	lock, err := flock.Try(mirrorLock(mirror))
	if errors.Is(err, flock.ErrHeld) {
		return s.unpinBesideFetch(ctx, mirror, pin) // garbage can wait
	}
	if err != nil {
		return fmt.Errorf("lock mirror: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if !isMirror(mirror) {
		return nil
	}
	if err := orderMirror(ctx, mirror); err != nil {
		return err
	}
	if err := s.unpin(ctx, mirror, pin); err != nil {
		return err
	}
	return s.tidy(ctx, mirror)
}

func isMirror(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "HEAD"))
	return err == nil
}

// unpinBesideFetch drops a pin while somebody else holds the mirror's lock and
// has put the mirror in order. Against what that one does to the references git
// protects itself.
func (s *gitSession) unpinBesideFetch(ctx context.Context, mirror, pin string) error {
	lock, err := flock.Wait(ctx, refsLock(mirror), nil)
	if err != nil {
		return fmt.Errorf("lock mirror's references: %w", err)
	}
	err = s.unpin(ctx, mirror, pin)
	if err != nil && ctx.Err() == nil && !isMirror(mirror) {
		err = nil // it was damaged and is being made anew
	}
	return errors.Join(err, lock.Unlock())
}

func (s *gitSession) unpin(ctx context.Context, mirror, pin string) error {
	_, err := s.git(ctx, gitCall{dir: mirror, args: []string{"update-ref", "-d", pinRef(pin)}})
	return err
}

// tidy runs git gc where git finds it worth it.
func (s *gitSession) tidy(ctx context.Context, mirror string) error {
	pins, err := s.git(ctx, gitCall{dir: mirror, args: []string{"for-each-ref", "--count=1", "refs/semaphore/task"}})
	if err != nil {
		return err
	}
	prune := "2.weeks.ago"
	if pins != "" {
		prune = "never"
	}
	args := configArgs([]string{"gc.auto=6700", "gc.autoPackLimit=50", "gc.autoDetach=false", "gc.pruneExpire=" + prune})
	_, err = s.git(ctx, gitCall{dir: mirror, args: append(args, "gc", "--auto", "--quiet")})
	return err
}

// writeGitConfig gives a repository a configuration made from template and no
// other one. Format version and extensions follow what the repository is.
func writeGitConfig(gitDir, template string) error {
	// A commondir would make git read the configuration of another directory.
	if err := os.Remove(filepath.Join(gitDir, "commondir")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("tidy git directory: %w", err)
	}
	path := filepath.Join(gitDir, "config")
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read git configuration: %w", err)
	}
	version, extensions := 0, ""
	for _, m := range extensionPattern.FindAllStringSubmatch(string(old), -1) {
		version = 1
		extensions += "\t" + m[1] + " = " + m[2] + "\n"
	}
	text := fmt.Sprintf(template, version)
	if extensions != "" {
		text += "[extensions]\n" + extensions
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && text == string(old) {
		return nil
	}
	return writeFileAtomic(path, []byte(text), 0o600)
}
