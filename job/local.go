package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/alexandervashurin/semaphore/job/internal/giturl"
	"github.com/alexandervashurin/semaphore/job/internal/proc"
)

// Init makes supervision of process trees possible. Call it first thing in
// main, before flags are read: in a process that was started as a supervisor it
// does that work and exits. Without Init, LocalJob ends process groups only,
// which daemons escape.
func Init() { proc.Init() }

// HomeMode says what HOME and ANSIBLE_HOME are for tools.
type HomeMode string

// The modes.
const (
	HomeTemplate HomeMode = "template_dir" // HOME of this process, ANSIBLE_HOME an own directory per template
	HomeProject  HomeMode = "project_home" // HOME is a directory per project
	HomeUser     HomeMode = "user_home"    // HOME of this process, ANSIBLE_HOME inside it
	HomeIsolated HomeMode = "isolated"     // HOME is a directory of the run, gone afterwards
)

// Process is the identity that tools run under.
type Process struct {
	UID             int      // with GID; 0 keeps this process's own
	GID             int      // group id
	Groups          []uint32 // supplementary groups
	NoNewPrivileges bool     // setuid programs such as sudo give nothing (Linux)
}

// LocalConfig configures a [LocalJob].
type LocalConfig struct {
	Git     Git         // Defaults to GitCLI{}.
	States  StateStore  // Terraform's local states. Defaults to a DirStates in the job's directory.
	Bundles BundleStore // Run bundles. Defaults to a DirBundles in the job's directory.

	Apps         map[string]App    // Programs of apps, and own apps. Defaults to the usual programs on PATH.
	HomeMode     HomeMode          // Defaults to HomeTemplate.
	Env          map[string]string // Set for every tool and git.
	ForwardEnv   []string          // Names passed on from this process's environment.
	ReposPaths   []string          // Roots below which local repositories may lie. Defaults to none.
	AllowedPaths []string          // Roots below which absolute inventory and script paths may lie. Defaults to none.
	SSHConfig    string            // A file for ssh's -F. Defaults to ssh's own files.
	RescueDir    string            // Where Terraform states go that no store could take. Defaults to "rescued" in the job's directory.
	LinkDir      string            // Where the short, stable link to a run's directory is put. Defaults to os.TempDir().
	Process      Process           // Defaults to this process's identity.
	Helper       string            // Binary that calls Init, for programs that cannot. Defaults to the own binary.
	GalaxyMaxAge time.Duration     // Age at which inexact roles and collections are resolved anew. Defaults to 24 h.
	GitTimeout   time.Duration     // For one command of git. Defaults to 10 min.
	Log          *slog.Logger      // Defaults to slog.Default().
	Now          func() time.Time  // Defaults to time.Now.
}

// LocalJob is the Executor that runs tools on this machine, each task in a
// private directory and under a supervisor of its process tree. It is safe for
// concurrent use, and several processes may share a directory.
type LocalJob struct {
	dir   string
	cfg   LocalConfig
	users users
}

// NewLocal returns a LocalJob that keeps everything below dir, which is made
// with mode 0700 if it is missing. It starts nothing.
func NewLocal(dir string, cfg LocalConfig) (*LocalJob, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("job directory: %w", err)
	}
	if dir == "" {
		return nil, errors.New("job directory is empty: name one that this program may write")
	}
	if p := cfg.Process; p.UID < 0 || p.GID < 0 || p.UID != 0 && p.GID == 0 {
		return nil, errors.New("process: give both uid and gid, neither negative")
	}
	if cfg.Git == nil {
		cfg.Git = GitCLI{}
	}
	if cfg.States == nil {
		cfg.States = DirStates{Dir: filepath.Join(abs, "states")}
	}
	if cfg.Bundles == nil {
		cfg.Bundles = DirBundles{Dir: filepath.Join(abs, "bundles")}
	}
	if cfg.HomeMode == "" {
		cfg.HomeMode = HomeTemplate
	}
	if cfg.RescueDir == "" {
		cfg.RescueDir = filepath.Join(abs, "rescued")
	}
	if cfg.LinkDir == "" {
		cfg.LinkDir = os.TempDir()
	}
	if cfg.GalaxyMaxAge == 0 {
		cfg.GalaxyMaxAge = 24 * time.Hour
	}
	if cfg.GitTimeout == 0 {
		cfg.GitTimeout = 10 * time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &LocalJob{dir: abs, cfg: cfg}, nil
}

// Check validates spec as Run would before it starts anything: its fields, the
// app's program, keys and paths.
func (l *LocalJob) Check(spec *Spec) error {
	_, err := l.check(spec)
	return err
}

func (l *LocalJob) check(spec *Spec) (tool, error) {
	if err := spec.Validate(); err != nil {
		return tool{}, err
	}
	t, err := resolveApp(spec.App, l.cfg.Apps, baseEnviron(l.cfg, os.LookupEnv).get("PATH"))
	if err != nil {
		return tool{}, err
	}
	if err := l.checkRoots(spec); err != nil {
		return tool{}, err
	}
	return t, nil
}

// checkRoots holds absolute paths against the administrator's roots.
func (l *LocalJob) checkRoots(spec *Spec) error {
	repos := []struct {
		field string
		repo  *Repository
	}{{"repository.url", &spec.Repository}}
	if spec.Inventory != nil && spec.Inventory.Repository != nil {
		repos = append(repos, struct {
			field string
			repo  *Repository
		}{"inventory.repository.url", spec.Inventory.Repository})
	}
	for _, r := range repos {
		u, err := giturl.Parse(r.repo.URL)
		if err == nil && u.Scheme == "file" && !belowAny(u.Path, l.cfg.ReposPaths) {
			return invalid(r.field, "%q is a local path outside the roots that the administrator allows: add its root to dirs.repos_path", r.repo.URL)
		}
	}
	if filepath.IsAbs(spec.Playbook) && !belowAny(spec.Playbook, l.cfg.AllowedPaths) {
		return invalid("playbook", "%q is absolute: give a path inside the repository, or let the administrator add its root to dirs.allowed_paths", spec.Playbook)
	}
	for i, v := range spec.Vaults {
		if filepath.IsAbs(v.Script) && !belowAny(v.Script, l.cfg.AllowedPaths) {
			return invalid(fmt.Sprintf("vaults[%d].script", i), "%q is absolute: give a path inside the repository, or let the administrator add its root to dirs.allowed_paths", v.Script)
		}
	}
	if inv := spec.Inventory; inv != nil && inv.Type == InventoryFile && filepath.IsAbs(inv.Text) && !belowAny(inv.Text, l.cfg.AllowedPaths) {
		return invalid("inventory.text", "%q is absolute: give a path inside the repository, or let the administrator add its root to dirs.allowed_paths", inv.Text)
	}
	return nil
}

// localPath tells whether a repository is a plain path, which is used in place.
// A file URL is cloned like any other.
func localPath(url string) (string, bool) { return url, filepath.IsAbs(url) }

// belowAny tells whether p, links resolved, is one of the roots or below one.
func belowAny(p string, roots []string) bool {
	resolvedPath, err := filepath.EvalSymlinks(p)
	if err != nil {
		resolvedPath = filepath.Clean(p)
	}
	for _, root := range roots {
		if resolved, err := filepath.EvalSymlinks(root); err == nil {
			root = resolved
		}
		rel, err := filepath.Rel(root, resolvedPath)
		if err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

// Run runs spec as [Executor] says.
func (l *LocalJob) Run(ctx context.Context, spec *Spec, sink Sink) (err error) {
	t, err := l.check(spec)
	if err != nil {
		return err
	}
	defer l.users.use(spec.Task.ProjectID)()
	r, err := l.newRun(ctx, spec, sink, t)
	if err != nil {
		return err
	}
	err = guard(r.work)
	var caught *panicError
	if errors.As(err, &caught) {
		l.cfg.Log.Error("task panicked", "task_id", spec.Task.ID, "panic", caught.value, "stack", string(caught.stack))
	}
	return r.close(err)
}
