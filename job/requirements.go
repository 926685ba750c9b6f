package job

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

// requirement is a requirements file to install from.
type requirement struct {
	kind string // collection or role
	file string // relative to the checkout's root
	text []byte
}

// galaxyPaths is the environment variable for each kind.
var galaxyPaths = map[string]string{"collection": "ANSIBLE_COLLECTIONS_PATH", "role": "ANSIBLE_ROLES_PATH"}

// requirementFiles lists where roles and collections may be asked for, in the
// order of installation.
func requirementFiles(playbook string) []requirement {
	var files []requirement
	seen := map[string]bool{}
	add := func(kind string, elem ...string) {
		file := filepath.ToSlash(filepath.Join(elem...))
		if key := kind + file; !seen[key] {
			seen[key] = true
			files = append(files, requirement{kind: kind, file: file})
		}
	}
	dir := slashDir(playbook)
	for _, kind := range []string{"collection", "role"} {
		add(kind, dir, kind+"s", "requirements.yml")
		add(kind, dir, "requirements.yml")
		add(kind, kind+"s", "requirements.yml")
		add(kind, "requirements.yml")
	}
	return files
}

// wanted tells whether the file says anything of its kind: a list is roles, a
// mapping has a key for each kind.
func (q requirement) wanted() bool {
	for line := range strings.Lines(string(q.text)) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line == "---" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(line), "-") || strings.HasPrefix(line, "[") {
			return q.kind == "role"
		}
		break
	}
	return regexp.MustCompile(`(?m)^\s*["{]?\s*["']?` + q.kind + `s["']?\s*:`).Match(q.text)
}

var (
	itemPattern     = regexp.MustCompile(`(?m)^\s*-\s`)
	exactPattern    = regexp.MustCompile(`(?m)^\s*(?:-\s+)?version:\s*["']?(?:==)?v?[0-9]+(?:\.[0-9A-Za-z_+-]+)+["']?\s*(?:#.*)?$`)
	localSrcPattern = regexp.MustCompile(`(?m)^\s*(?:-\s+)?(?:src|source|name|url)?:?\s*["']?(?:\.{0,2}/|file:|git\+file:)`)
)

// cachePolicy says how long an installed requirement serves.
type cachePolicy int

const (
	cacheNever  cachePolicy = iota // local sources: they may differ at every run
	cacheForAge                    // versions that can move
	cacheAlways                    // every entry names an exact version
)

func (q requirement) policy() cachePolicy {
	switch {
	case localSrcPattern.Match(q.text):
		return cacheNever
	case len(exactPattern.FindAll(q.text, -1)) == len(itemPattern.FindAll(q.text, -1)):
		return cacheAlways
	default:
		return cacheForAge
	}
}

// installRequirements installs roles and collections that the repository asks
// for and puts their directories in front of the effective paths.
func (r *run) installRequirements(env *environ) error {
	var wanted []requirement
	for _, q := range requirementFiles(r.spec.Playbook) {
		text, err := readInside(r.checkout.root, q.file)
		if err != nil {
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			return invalid("repository", "%s cannot be read: it is a link that leaves the repository, or unreadable", q.file)
		}
		if q.text = text; q.wanted() {
			wanted = append(wanted, q)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	r.status(Running, PhaseRequirements, "installing roles and collections")
	galaxy, err := r.galaxyProgram(env)
	if err != nil {
		return err
	}
	config, err := r.galaxyConfig(env)
	if err != nil {
		return err
	}
	dirs := map[string][]string{}
	for _, q := range wanted {
		dir, err := r.installRequirement(galaxy, q, config, env)
		if err != nil {
			return fmt.Errorf("install %ss of %s: %w", q.kind, q.file, err)
		}
		dirs[q.kind] = append(dirs[q.kind], dir)
	}
	for kind, list := range dirs {
		list = append(list, config.paths[kind]...)
		env.set(galaxyPaths[kind], strings.Join(list, ":"))
	}
	return nil
}

// galaxyProgram is the ansible-galaxy that belongs to ansible-playbook.
func (r *run) galaxyProgram(env *environ) (string, error) {
	for _, path := range []string{filepath.Join(filepath.Dir(r.tool.path), "ansible-galaxy"), "ansible-galaxy"} {
		if found, ok := findProgram(path, env.get("PATH")); ok {
			return found, nil
		}
	}
	return "", invalid("app", "ansible-galaxy is not on PATH: install ansible-core")
}

// galaxyConfig is what decides the outcome of an installation.
type galaxyConfig struct {
	text  string              // everything about galaxy, for the cache key
	paths map[string][]string // effective search paths by kind
}

// galaxyConfig asks ansible-config, which knows all the places that count.
func (r *run) galaxyConfig(env *environ) (galaxyConfig, error) {
	config := galaxyConfig{paths: map[string][]string{}}
	program, ok := findProgram(filepath.Join(filepath.Dir(r.tool.path), "ansible-config"), "")
	if !ok {
		if program, ok = findProgram("ansible-config", env.get("PATH")); !ok {
			return config, invalid("app", "ansible-config is not on PATH: install ansible-core")
		}
	}
	out, err := r.capture(command{path: program, args: []string{"dump", "--format", "json"}, env: env.list(), dir: r.checkout.work})
	if err != nil {
		return config, fmt.Errorf("read ansible configuration: %w", err)
	}
	var entries []struct {
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	}
	if err := decodeAmong(out, '[', &entries); err != nil {
		return config, fmt.Errorf("read ansible configuration: %w", err)
	}
	var text strings.Builder
	for _, e := range entries {
		switch {
		case e.Name == "COLLECTIONS_PATHS":
			config.paths["collection"] = jsonStrings(e.Value)
		case e.Name == "DEFAULT_ROLES_PATH":
			config.paths["role"] = jsonStrings(e.Value)
		case strings.HasPrefix(e.Name, "GALAXY_"):
			fmt.Fprintf(&text, "%s=%s\n", e.Name, e.Value)
		}
	}
	// Paths inside the run's directory differ every time and decide nothing.
	config.text = strings.NewReplacer(r.dir.link, "", r.dir.path, "").Replace(text.String())
	return config, nil
}

func jsonStrings(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// installRequirement returns the directory with what q asks for: a cached one,
// or one built beside it and renamed.
func (r *run) installRequirement(galaxy string, q requirement, config galaxyConfig, env *environ) (string, error) {
	policy := q.policy()
	if policy == cacheNever {
		dir := r.dir.file(dirGalaxy, q.kind+"-"+hashOf(q.file))
		return dir, r.galaxyInstall(galaxy, q, dir, env)
	}
	root := filepath.Join(r.job.projectDir(r.spec), "galaxy")
	if err := r.makeOwned(root); err != nil {
		return "", err
	}
	key := hashOf(q.kind, r.ansibleVersion(env), config.text, string(q.text))
	dir := filepath.Join(root, key)
	lock, err := flock.Wait(r.ctx, dir+".lock", nil)
	if err != nil {
		return "", err
	}
	defer lock.Unlock() //nolint:errcheck // closing the file is all there is
	info, err := os.Stat(dir)
	fresh := err == nil && (policy == cacheAlways || r.job.cfg.Now().Sub(info.ModTime()) < r.job.cfg.GalaxyMaxAge)
	if fresh && !r.spec.Template.ForceGalaxy {
		r.out.System("%ss of %s are cached", q.kind, q.file)
		return dir, nil
	}
	building, err := os.MkdirTemp(root, ".new-")
	if err != nil {
		return "", fmt.Errorf("make galaxy cache: %w", err)
	}
	if err := errors.Join(r.own(building, false), r.galaxyInstall(galaxy, q, building, env)); err != nil {
		return "", errors.Join(err, removeAll(building))
	}
	return dir, replaceDir(building, dir, r.job.cfg.Now())
}

// galaxyInstall runs ansible-galaxy.
func (r *run) galaxyInstall(galaxy string, q requirement, dir string, env *environ) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make directory for %ss: %w", q.kind, err)
	}
	if err := r.own(dir, false); err != nil {
		return err
	}
	r.out.System("installing %ss of %s", q.kind, q.file)
	return r.exec(command{
		path: galaxy, args: []string{q.kind, "install", "-r", q.file, "-p", dir, "--force"},
		env: env.list(), dir: r.checkout.root,
	})
}

// replaceDir puts building in the place of dir. Tasks that still use the old
// one keep it: it is renamed away, and a sweep removes it a week later.
func replaceDir(building, dir string, now time.Time) error {
	if _, err := os.Stat(dir); err == nil {
		old := dir + ".old-" + rand.Text()
		if err := errors.Join(os.Chtimes(dir, now, now), os.Rename(dir, old)); err != nil {
			return fmt.Errorf("replace galaxy cache: %w", err)
		}
	}
	if err := os.Rename(building, dir); err != nil {
		return fmt.Errorf("replace galaxy cache: %w", err)
	}
	return os.Chtimes(dir, now, now)
}

// hashOf is a short name for texts.
func hashOf(texts ...string) string {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// readInside reads a file below dir, by no link that leaves it.
func readInside(dir, file string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.ReadFile(file)
}
