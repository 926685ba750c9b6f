package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Describe tells hash, subject and branch of the work tree that dir is in. A
// hash ends in "-dirty" if tracked files are changed or untracked ones are
// there. Without a git repository, a commit or a git binary it is the zero
// Commit. Nothing is written.
func (g GitCLI) Describe(ctx context.Context, dir string) (Commit, error) {
	scratch, err := os.MkdirTemp("", "git-")
	if err != nil {
		return Commit{}, fmt.Errorf("make git's scratch directory: %w", err)
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // empty by then
	s := &gitSession{bin: g.Binary, dir: scratch, env: gitEnviron(nil).list(), mask: keyMask(nil)}
	out, err := s.git(ctx, gitCall{dir: dir, args: []string{"--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"}})
	switch {
	case errors.Is(err, ErrNeedsGit):
		return Commit{}, nil
	case err != nil:
		if e, ok := err.(*gitError); ok && e.says("not a git repository", "must be run in a work tree") { //nolint:errorlint // made by s.git
			return Commit{}, nil
		}
		return Commit{}, err
	}
	c, dirty := readStatus(out)
	if c.Hash == "" {
		return Commit{}, nil
	}
	c.Message, err = s.subject(ctx, dir, c.Hash)
	if dirty {
		c.Hash += "-dirty"
	}
	return c, err
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
