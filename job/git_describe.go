package job

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Describe tells hash, subject and branch of the work tree that dir is in. A
// hash ends in "-dirty" if tracked files are changed or untracked ones are
// there. Where git cannot or should not tell, it is the zero Commit: no
// repository, no commit, no git binary, a damaged one, another user's. Nothing
// is written, and nothing that the repository configures is run. A file behind
// a filter, LFS for one, may count as changed without being so.
func (g GitCLI) Describe(ctx context.Context, dir string) (Commit, error) {
	if !inWorkTree(dir) {
		return Commit{}, ctx.Err()
	}
	env := gitEnviron(nil)
	// Nothing is fetched for a partial clone: the repository names the command.
	env.set("GIT_NO_LAZY_FETCH", "1")
	env.set("GIT_ALLOW_PROTOCOL", "none")
	s := &gitSession{bin: g.Binary, env: env.list(), mask: keyMask(nil), foreign: true}
	c, err := s.describe(ctx, dir)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return Commit{}, err
	}
	return Commit{}, nil
}

// inWorkTree tells whether dir or a directory above it may be a git work tree,
// without starting git to find out that it is not.
func inWorkTree(dir string) bool {
	for dir = filepath.Clean(dir); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

func (s *gitSession) describe(ctx context.Context, dir string) (Commit, error) {
	filters, err := s.filters(ctx, dir)
	if err != nil {
		return Commit{}, err
	}
	s.config = withoutFilters(filters)
	// Of submodules only the commit counts: git would run a command in each.
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=dirty"}})
	if err != nil {
		return Commit{}, err
	}
	c, dirty := readStatus(out)
	if c.Hash == "" {
		return Commit{}, nil
	}
	if c.Message, err = s.subject(ctx, dir, c.Hash); err != nil {
		return Commit{}, err
	}
	if dirty {
		c.Hash += "-dirty"
	}
	return c, nil
}

// filters lists the filters that a repository's configuration names, as
// "filter.<name>".
func (s *gitSession) filters(ctx context.Context, dir string) ([]string, error) {
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"config", "--null", "--name-only", "--list"}})
	if err != nil {
		return nil, err
	}
	var names []string
	for key := range strings.SplitSeq(out, "\x00") {
		i := strings.LastIndexByte(key, '.')
		if i < 0 || !strings.HasPrefix(key, "filter.") || slices.Contains(names, key[:i]) {
			continue
		}
		if strings.Contains(key, "=") {
			return nil, fmt.Errorf("%q cannot be switched off: git ends the name of a setting at an equals sign", key[:i])
		}
		names = append(names, key[:i])
	}
	return names, nil
}

// readStatus reads git status --porcelain=v2 --branch -z.
func readStatus(out string) (c Commit, dirty bool) {
	for field := range strings.SplitSeq(out, "\x00") {
		if header, ok := strings.CutPrefix(field, "# branch."); ok {
			name, value, _ := strings.Cut(header, " ")
			switch {
			case name == "oid" && value != "(initial)":
				c.Hash = value
			case name == "head" && value != "(detached)":
				c.Branch = value
			}
			continue
		}
		dirty = dirty || field != "" && !strings.HasPrefix(field, "# ")
	}
	return c, dirty
}

// subject is the first line of a commit's message.
func (s *gitSession) subject(ctx context.Context, dir, hash string) (string, error) {
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"log", "-1", "--no-show-signature", "--no-color", "--format=%s", hash, "--"}})
	if err != nil {
		return "", err
	}
	return strings.ToValidUTF8(strings.TrimSpace(out), "\uFFFD"), nil
}
