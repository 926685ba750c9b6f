package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/internal/flock"
	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// checkout is where the task's code lies.
type checkout struct {
	root    string // of the repository, by its stable path
	work    string // the tool's working directory
	inPlace bool   // a local directory, used as it is
	kept    bool   // outlives the run
}

// prepareCheckout brings the code: a clone of its own, the kept checkout of the
// template, or a local directory in place.
func (r *run) prepareCheckout() error {
	if r.spec.Resume {
		return nil // the bundle brings it
	}
	local, isLocal := localPath(r.spec.Repository.URL)
	repo := &r.spec.Repository
	var err error
	switch {
	case isLocal && repo.Commit == "" && repo.Branch == "":
		err = r.useInPlace(local)
	case r.spec.Template.Workspace == Keep:
		err = r.useKept()
	default:
		err = r.useClone()
	}
	if err != nil {
		return err
	}
	if r.commit.Hash != "" {
		r.out.System("commit %s %s", shortHash(r.commit.Hash), r.commit.Message)
		if err := r.out.do(func(ctx context.Context, s Sink) error { return s.Commit(ctx, r.commit) }); err != nil {
			return fmt.Errorf("report commit: %w", err)
		}
	}
	return r.checkFiles()
}

func shortHash(hash string) string {
	if len(hash) > 12 && hash[12:] != "" {
		short := hash[:12]
		if len(hash) > 6 && hash[len(hash)-6:] == "-dirty" {
			short += "-dirty"
		}
		return short
	}
	return hash
}

func (r *run) useInPlace(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return invalid("repository.url", "%s is not a directory on this machine", dir)
	}
	if !r.spec.Template.AllowParallel {
		if err := r.lockPath(dir); err != nil {
			return err
		}
	}
	r.checkout = checkout{root: dir, work: dir, inPlace: true}
	r.status(Starting, PhaseRepository, "using "+filepath.Base(dir)+" in place")
	r.commit, err = r.job.cfg.Git.Describe(r.ctx, dir)
	if err != nil {
		return fmt.Errorf("read local repository: %w", err)
	}
	return nil
}

// lockPath makes runs in one directory follow each other.
func (r *run) lockPath(dir string) error {
	lock, err := r.lockOn(dir, "another task in the same directory")
	if err != nil {
		return fmt.Errorf("lock directory: %w", err)
	}
	r.atEnd(lock.Unlock)
	return nil
}

// lockOn waits for the lock on a directory, which lies among the job's own
// files, and says so if somebody else holds it.
func (r *run) lockOn(dir, holder string) (*flock.Lock, error) {
	locks := filepath.Join(r.job.dir, "locks")
	if err := os.MkdirAll(locks, 0o700); err != nil {
		return nil, fmt.Errorf("make lock directory: %w", err)
	}
	return flock.Wait(r.ctx, filepath.Join(locks, hashOf(dir)+".lock"), func() { r.out.System("waiting for %s", holder) })
}

func (r *run) useKept() error {
	dir := filepath.Join(r.job.projectDir(r.spec), fmt.Sprintf("repository_%d_template_%d", r.spec.Repository.ID, r.spec.Template.ID))
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make project directory: %w", err)
	}
	if err := r.lockPath(dir); err != nil {
		return err
	}
	r.status(Starting, PhaseRepository, "updating "+r.spec.Repository.displayName())
	commit, err := r.job.cfg.Git.Update(r.ctx, r.remote(&r.spec.Repository), r.cloneOf(&r.spec.Repository, dir, ""))
	if err != nil {
		return fmt.Errorf("update repository: %w", err)
	}
	r.commit = commit
	r.checkout = checkout{root: dir, work: dir, kept: true}
	return nil
}

func (r *run) useClone() error {
	r.status(Starting, PhaseRepository, "cloning "+r.spec.Repository.displayName())
	commit, err := r.clone(&r.spec.Repository, r.dir.file(dirRepository), r.dir.name)
	if err != nil {
		return fmt.Errorf("clone repository: %w", err)
	}
	r.commit = commit
	root := r.dir.linked(dirRepository)
	r.checkout = checkout{root: root, work: root}
	return nil
}

// clone makes an own clone by way of the mirror and remembers its pin.
func (r *run) clone(repo *Repository, dir, pin string) (Commit, error) {
	c := r.cloneOf(repo, dir, pin)
	if c.Mirror != "" {
		if err := os.MkdirAll(filepath.Dir(c.Mirror), 0o700); err != nil {
			return Commit{}, fmt.Errorf("make mirror directory: %w", err)
		}
		r.atEnd(func() error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), r.job.cfg.GitTimeout)
			defer cancel()
			return r.job.cfg.Git.Release(ctx, c.Mirror, pin)
		})
		r.dir.record.Pins = append(r.dir.record.Pins, pinRecord{c.Mirror, pin})
		if err := r.dir.save(); err != nil {
			return Commit{}, err
		}
	}
	return r.job.cfg.Git.Clone(r.ctx, r.remote(repo), c)
}

func (r *run) cloneOf(repo *Repository, dir, pin string) Clone {
	c := Clone{
		Dir: dir, Pin: pin, Ref: repo.Branch, Commit: repo.Commit,
		Submodules: repo.Submodules, Depth: repo.Depth,
		MaxBytes: r.spec.Limits.RepoBytes, Private: r.job.cfg.Process.UID != 0,
	}
	if repo.Depth == 0 && pin != "" {
		c.Mirror = filepath.Join(r.job.dir, "mirrors", fmt.Sprintf("project_%d", r.spec.Task.ProjectID),
			fmt.Sprintf("repository_%d-%s.git", repo.ID, hashOf(repo.URL)))
	}
	return c
}

func (r *run) remote(repo *Repository) Remote {
	return Remote{
		URL: repo.URL, Key: repo.Key, HostKeys: r.spec.HostKeys, SSHConfig: r.job.cfg.SSHConfig,
		Env: append(r.base.list(), proc.MarkerEnv+"="+r.dir.name), ScratchDir: r.dir.linked(dirGit), Timeout: r.job.cfg.GitTimeout,
		Learned:  r.learned,
		Progress: func(line string) { r.out.System("%s", line) },
	}
}

// learned passes a host key met for the first time on.
func (r *run) learned(key HostKey) {
	r.out.System("learned the host key of %s", key.Host)
	if err := r.out.do(func(ctx context.Context, s Sink) error { return s.HostKey(ctx, key) }); err != nil {
		r.job.cfg.Log.Warn("report host key", "task_id", r.spec.Task.ID, "error", err)
	}
}

// displayName is what a repository is called in the log, without credentials.
func (repo *Repository) displayName() string {
	if repo.Name != "" {
		return repo.Name
	}
	return filepath.Base(repo.URL)
}

// checkFiles makes sure that what the Spec names is inside the checkout, by no
// link out of it.
func (r *run) checkFiles() error {
	if r.tool.family == familyTerraform {
		return r.checkInside("playbook", r.spec.Playbook, true)
	}
	if err := r.checkInside("playbook", r.spec.Playbook, false); err != nil {
		return err
	}
	for i, v := range r.spec.Vaults {
		if v.Script != "" {
			if err := r.checkInside(fmt.Sprintf("vaults[%d].script", i), v.Script, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkInside looks a path up below the checkout's root.
func (r *run) checkInside(field, path string, wantDir bool) error {
	if path == "" {
		return nil
	}
	if filepath.IsAbs(path) { // below a root of the administrator, see checkRoots
		if _, err := os.Stat(path); err != nil {
			return invalid(field, "%s does not exist on this machine", path)
		}
		return nil
	}
	return statInside(r.checkout.root, field, path, wantDir)
}

func statInside(dir, field, path string, wantDir bool) error {
	info, err := lookInside(dir, field, path)
	switch {
	case err != nil:
		return err
	case wantDir && !info.IsDir():
		return invalid(field, "%s is not a directory", path)
	case !wantDir && info.IsDir():
		return invalid(field, "%s is a directory", path)
	}
	return nil
}

// lookInside finds a file or directory below dir. Links inside are followed,
// links out of it are not.
func lookInside(dir, field, path string) (fs.FileInfo, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open checkout: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, invalid(field, "%s does not exist in the repository", path)
	case err != nil:
		return nil, invalid(field, "%s cannot be used: it is a link that leaves the repository, or unreadable", path)
	}
	return info, nil
}
