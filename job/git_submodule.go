package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/alexandervashurin/semaphore/job/internal/giturl"
)

// maxSubmoduleLevel ends repositories that contain themselves.
const maxSubmoduleLevel = 10

// workTree is a checkout or one of its submodules.
type workTree struct {
	dir    string
	gitDir string // of a submodule it lies in that of the checkout
	level  int
}

// submodule is one entry of .gitmodules.
type submodule struct{ name, path, url string }

// submodules checks the submodules of a tree out, each with the key only if it
// lies on the remote's own host, and goes on inside them.
func (s *gitSession) submodules(ctx context.Context, g GitCLI, c Clone, tree workTree) error {
	dir := tree.dir
	if info, err := os.Lstat(filepath.Join(dir, ".gitmodules")); err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // no submodules
	}
	if tree.level == maxSubmoduleLevel {
		return invalid("repository.submodules", "are nested more than %d deep", maxSubmoduleLevel)
	}
	paths, err := s.submoduleConfig(ctx, dir, "path", "--file", ".gitmodules")
	if err != nil || len(paths) == 0 {
		return err
	}
	if err := detachSubmodules(dir, paths); err != nil {
		return err
	}
	if _, err := s.git(ctx, gitCall{dir: dir, args: []string{"submodule", "--quiet", "init"}}); err != nil {
		return err
	}
	list, err := s.listSubmodules(ctx, dir, paths)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := s.updateSubmodule(ctx, g, c, tree, m); err != nil {
			return fmt.Errorf("submodule %q: %w", m.name, err)
		}
	}
	return nil
}

// detachSubmodules removes the files by which the work trees of a kept
// checkout's submodules find their repositories: a task could have made them
// point elsewhere. git attaches them anew. A repository that lies in a work tree
// itself is left alone and an error.
func detachSubmodules(dir string, paths map[string]string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open checkout: %w", err)
	}
	defer root.Close()
	for _, name := range sortedKeys(paths) {
		if !filepath.IsLocal(paths[name]) || !filepath.IsLocal(name) {
			return invalid("repository.submodules", "%q has a name or path that leads out of the repository", name)
		}
		link := filepath.Join(filepath.FromSlash(paths[name]), ".git")
		info, err := root.Lstat(link)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err == nil && info.IsDir():
			return fmt.Errorf("submodule %q has a repository of its own in the checkout: move it away", name)
		case err == nil:
			err = root.Remove(link)
		}
		if err != nil {
			return fmt.Errorf("submodule %q: %w", name, err)
		}
	}
	return nil
}

// listSubmodules reads the addresses, resolved against origin, from the clone's
// configuration. Entries without a commit are left out, as git does.
func (s *gitSession) listSubmodules(ctx context.Context, dir string, paths map[string]string) ([]submodule, error) {
	urls, err := s.submoduleConfig(ctx, dir, "url", "--local")
	if err != nil {
		return nil, err
	}
	args := []string{"--literal-pathspecs", "ls-files", "--stage", "-z", "--"}
	for _, name := range sortedKeys(paths) {
		args = append(args, paths[name])
	}
	out, err := s.git(ctx, gitCall{dir: dir, args: args})
	if err != nil {
		return nil, err
	}
	links := map[string]bool{}
	for entry := range strings.SplitSeq(out, "\x00") {
		meta, path, _ := strings.Cut(entry, "\t")
		if strings.HasPrefix(meta, "160000 ") {
			links[path] = true
		}
	}
	var list []submodule
	for _, name := range sortedKeys(paths) {
		if path := filepath.ToSlash(filepath.Clean(paths[name])); links[path] {
			list = append(list, submodule{name: name, path: path, url: urls[name]})
		}
	}
	return list, nil
}

// submoduleConfig reads submodule.<name>.<key> of one configuration.
func (s *gitSession) submoduleConfig(ctx context.Context, dir, key string, source ...string) (map[string]string, error) {
	args := append([]string{"config", "-z"}, source...)
	out, err := s.git(ctx, gitCall{dir: dir, args: append(args, "--get-regexp", `^submodule\..*\.`+key+`$`)})
	if e, ok := errors.AsType[*gitError](err); ok && e.text == "" {
		return nil, nil // no entry
	}
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for entry := range strings.SplitSeq(out, "\x00") {
		name, value, _ := strings.Cut(entry, "\n")
		if name = strings.TrimSuffix(strings.TrimPrefix(name, "submodule."), "."+key); name != "" {
			values[name] = value
		}
	}
	return values, nil
}

func (s *gitSession) updateSubmodule(ctx context.Context, g GitCLI, c Clone, tree workTree, m submodule) error {
	u, err := giturl.Parse(m.url)
	if err != nil {
		return invalid("repository.submodules", "the address of %q %v", m.name, err)
	}
	if u.Scheme == "file" && !s.beside(u) {
		return invalid("repository.submodules", "%q lies on the server, outside the directory of the repository itself", m.name)
	}
	remote := s.remote
	remote.URL = m.url
	if s.known != "" {
		remote.HostKeys.Known = s.keys
	}
	if u.Host != s.url.Host || u.Port != s.url.Port && u.Scheme == s.url.Scheme {
		remote.Key = nil
	}
	sub, err := g.open(ctx, remote)
	if err != nil {
		return err
	}
	defer func() { _ = sub.close() }()
	inner := workTree{dir: filepath.Join(tree.dir, filepath.FromSlash(m.path)), gitDir: filepath.Join(tree.gitDir, "modules", filepath.FromSlash(m.name)), level: tree.level + 1}
	if _, err := os.Lstat(inner.gitDir); err == nil { // of a kept checkout; tasks could have changed it
		removeLeftovers(inner.gitDir)
		if err := sub.writeCloneConfig(inner.gitDir); err != nil {
			return err
		}
	}
	args := append(noFilterConfig(), "submodule", "--quiet", "update", "--init", "--checkout", "--force")
	if c.Depth > 0 {
		args = append(args, "--depth", strconv.Itoa(c.Depth))
	}
	if err := sub.fetch(ctx, gitCall{dir: tree.dir, args: append(args, "--", m.path)}); err != nil {
		return err
	}
	if sub.known != "" {
		s.keys = sub.keys
	}
	return sub.complete(ctx, g, c, inner)
}

// beside tells whether a repository on this machine lies in the directory that
// the remote itself lies in. Others are not for a repository to reach.
func (s *gitSession) beside(u giturl.URL) bool {
	if s.url.Scheme != "file" {
		return false
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(filepath.Clean(s.url.Path)))
	if err != nil {
		return false
	}
	resolved, err := filepath.EvalSymlinks(u.Path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(parent, resolved)
	return err == nil && filepath.IsLocal(rel)
}
