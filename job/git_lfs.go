package job

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"strings"
)

// complete adds to a checkout what git's own checkout leaves out: files stored
// with LFS and, where they are wanted, submodules.
func (s *gitSession) complete(ctx context.Context, g GitCLI, c Clone, tree workTree) error {
	if err := s.lfs(ctx, tree.dir); err != nil {
		return err
	}
	if !c.Submodules {
		return nil
	}
	return s.submodules(ctx, g, c, tree)
}

// lfs fetches the files that .gitattributes stores with LFS from the real
// remote. Without git-lfs a pointer in place of such a file is an error, since
// a task would take the pointer for the file.
func (s *gitSession) lfs(ctx context.Context, dir string) error {
	uses, err := s.usesLFS(ctx, dir)
	if err != nil || !uses {
		return err
	}
	if _, err := s.git(ctx, gitCall{dir: dir, args: []string{"lfs", "version"}}); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return s.refusePointers(ctx, dir)
	}
	// The clone's own hooks make a task's later push bring its new files along.
	install := []string{"-c", "core.hooksPath=.git/hooks", "lfs", "install", "--local", "--force"}
	if info, err := os.Lstat(dir + "/.git"); err != nil || !info.IsDir() {
		install = append(install, "--skip-repo") // a submodule
	}
	if _, err := s.git(ctx, gitCall{dir: dir, args: install}); err != nil {
		return err
	}
	if _, err := s.git(ctx, gitCall{dir: dir, args: []string{"lfs", "pull", "origin"}}); err != nil {
		return s.explain(err)
	}
	s.learn()
	return nil
}

// usesLFS looks for the filter in all .gitattributes of the commit.
func (s *gitSession) usesLFS(ctx context.Context, dir string) (bool, error) {
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"ls-files", "-z", "--", "*.gitattributes"}})
	if err != nil || out == "" {
		return false, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false, err
	}
	defer root.Close()
	for name := range strings.SplitSeq(out, "\x00") {
		if path.Base(name) == ".gitattributes" && bytes.Contains(head(root, name, 1<<20), []byte("filter=lfs")) {
			return true, nil
		}
	}
	return false, nil
}

// head reads the beginning of a file, or nothing if it cannot be read.
func head(root *os.Root, name string, size int64) []byte {
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, size))
	return b
}

var lfsPointer = []byte("version https://git-lfs.github.com/spec/")

// refusePointers is what is left to do without git-lfs.
func (s *gitSession) refusePointers(ctx context.Context, dir string) error {
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"grep", "-z", "--cached", "--name-only", "--fixed-strings", "-e", string(lfsPointer)}})
	if e, ok := errors.AsType[*gitError](err); ok && e.text == "" {
		return nil // nothing found
	}
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for name := range strings.SplitSeq(out, "\x00") {
		if name != "" && bytes.HasPrefix(head(root, name, int64(len(lfsPointer))), lfsPointer) {
			return invalid("repository.url", "%s is stored with LFS, and git-lfs is missing on this machine: install git-lfs", name)
		}
	}
	return nil
}
