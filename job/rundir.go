package job

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/alexandervashurin/semaphore/internal/flock"
)

// runDir is the private directory of one run. While its lock is held the run is
// alive; a free lock marks a leftover for the sweep.
type runDir struct {
	path   string // <job dir>/run/<name>
	name   string // also the marker in the environment of the run's processes
	link   string // short, stable path of it, the same for every attempt
	lock   *flock.Lock
	record runRecord
	keep   bool // it holds the only copy of a Terraform state
}

// runRecord is what a sweep must know about a run, kept as run.json.
type runRecord struct {
	Task  TaskRef      `json:"task"`
	Link  string       `json:"link,omitempty"`
	Pins  []pinRecord  `json:"pins,omitempty"`
	State *stateRecord `json:"state,omitempty"`
	// Override is a backend file written into a directory used in place.
	Override string `json:"override,omitempty"`
}

// pinRecord is a pin in a mirror.
type pinRecord struct {
	Mirror string `json:"mirror"`
	Pin    string `json:"pin"`
}

// The directories of a run.
const (
	dirRepository = "repository"
	dirInventory  = "inventory"
	dirSecret     = "secret" // key, password and variable files
	dirTemp       = "tmp"    // TMPDIR
	dirControl    = "cp"     // ssh control sockets
	dirBin        = "bin"    // in front of PATH
	dirHome       = "home"   // HOME in isolated mode
	dirGit        = "git"    // scratch of git
	dirGalaxy     = "galaxy" // roles and collections of this run only
)

// newRunDir makes the directory of a run. A sweep that comes between its making
// and its locking takes it for a leftover: then another one is made.
func newRunDir(root, linkDir string, task TaskRef) (*runDir, error) {
	for tries := 1; ; tries++ {
		d, err := makeRunDir(root, linkDir, task)
		if !errors.Is(err, flock.ErrHeld) || tries == 100 {
			return d, err
		}
	}
}

func makeRunDir(root, linkDir string, task TaskRef) (*runDir, error) {
	var b [4]byte
	_, _ = rand.Read(b[:])
	name := fmt.Sprintf("%d-%d-%s", task.TaskID, task.Attempt, hex.EncodeToString(b[:]))
	d := &runDir{path: filepath.Join(root, name), name: name, record: runRecord{Task: task}}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("make run directory: %w", err)
	}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return nil, fmt.Errorf("make run directory: %w", err)
	}
	lock, err := flock.Try(d.lockFile())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock run directory: %w", err), os.RemoveAll(d.path))
	}
	d.lock = lock
	for _, sub := range []string{dirInventory, dirSecret, dirTemp, dirControl, dirBin, dirHome, dirGit, dirGalaxy} {
		if err := os.Mkdir(filepath.Join(d.path, sub), 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("make run directory: %w", err), d.remove())
		}
	}
	if err := d.makeLink(linkDir); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

func (d *runDir) lockFile() string { return filepath.Join(d.path, ".lock") }

func (d *runDir) file(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// linked is the same file by way of the link.
func (d *runDir) linked(elem ...string) string {
	return filepath.Join(append([]string{d.link}, elem...)...)
}

// makeLink puts the link that gives a run the same path on every node and at
// every attempt. Another run's link is never replaced while that run lives.
func (d *runDir) makeLink(dir string) error {
	d.link = filepath.Join(dir, fmt.Sprintf("semaphore-%d", d.record.Task.TaskID))
	err := os.Symlink(d.path, d.link)
	if errors.Is(err, os.ErrExist) {
		target, readErr := os.Readlink(d.link)
		if readErr != nil {
			return fmt.Errorf("link to the run directory: %s is in the way: remove it", d.link)
		}
		if flock.Held(filepath.Join(target, ".lock")) {
			return fmt.Errorf("link to the run directory: task %d is already running", d.record.Task.TaskID)
		}
		if err = os.Remove(d.link); err == nil {
			err = os.Symlink(d.path, d.link)
		}
	}
	if err != nil {
		return fmt.Errorf("link to the run directory: %w", err)
	}
	d.record.Link = d.link
	return d.save()
}

// save writes run.json in one step.
func (d *runDir) save() error {
	b, err := json.Marshal(d.record)
	if err != nil {
		return fmt.Errorf("write run record: %w", err)
	}
	// No sync: the record is for a sweep after the death of the process; what
	// survives the death of the machine are the stores.
	return writeFile(d.file("run.json"), b, 0o600, false)
}

// secret writes a file that only this run may read and returns its path.
func (d *runDir) secret(name string, data []byte) (string, error) {
	path := d.file(dirSecret, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return path, nil
}

// inside opens the run's directory for work on files that the task may have
// replaced by links, and returns path relative to it. A tool may run under
// another identity; nothing that it leaves makes this process touch a file
// elsewhere.
func (d *runDir) inside(path string) (*os.Root, string, error) {
	for _, top := range []string{d.path, d.link} {
		if rel, err := filepath.Rel(top, path); err == nil && filepath.IsLocal(rel) {
			root, err := os.OpenRoot(d.path)
			return root, rel, err
		}
	}
	return nil, "", fmt.Errorf("%s is outside the run directory", filepath.Base(path))
}

// readFile reads a file of the run by no link that leaves its directory.
func (d *runDir) readFile(path string) ([]byte, error) {
	root, rel, err := d.inside(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.ReadFile(rel)
}

// writeFile makes a file of the run anew.
func (d *runDir) writeFile(path string, data []byte) error {
	root, rel, err := d.inside(path)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(filepath.Dir(rel), 0o700); err != nil {
		return err
	}
	if err := root.RemoveAll(rel); err != nil {
		return err
	}
	return root.WriteFile(rel, data, 0o600)
}

// end removes the directory, or, where it has to stay for a later sweep, what
// is secret in it.
func (d *runDir) end() error {
	if !d.keep {
		return d.remove()
	}
	err := removeAll(d.file(dirSecret))
	return errors.Join(err, os.Remove(d.link), d.lock.Unlock())
}

// readRunRecord reads the run.json of a run directory.
func readRunRecord(path string) (record runRecord, err error) {
	text, err := os.ReadFile(filepath.Join(path, "run.json"))
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	return record, err
}

// remove takes everything away and gives the lock back last.
func (d *runDir) remove() error {
	if target, err := os.Readlink(d.link); err == nil && target == d.path {
		_ = os.Remove(d.link)
	}
	err := removeAll(d.path)
	if d.lock != nil {
		err = errors.Join(err, d.lock.Unlock())
	}
	if err != nil {
		return fmt.Errorf("remove run directory: %w", err)
	}
	return nil
}

// removeAll is os.RemoveAll that gets through directories without write
// permission, which tools such as Go's module cache leave.
func removeAll(path string) error {
	if err := os.RemoveAll(path); err == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(p string, entry os.DirEntry, _ error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(p, 0o700) //nolint:gosec // the tree that wrote here has ended
		}
		return nil
	})
	return os.RemoveAll(path)
}

// writeFileAtomic writes beside and renames, so that a reader sees all or
// nothing, also after the machine has died.
func writeFileAtomic(path string, data []byte, mode os.FileMode) error {
	return writeFile(path, data, mode, true)
}

// syncDir makes a rename last. Not every file system lets a directory be
// synced; those that need it do.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

func writeFile(path string, data []byte, mode os.FileMode, sync bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode))
	if sync {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil && sync {
		syncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", filepath.Base(path), err), os.Remove(f.Name()))
	}
	return nil
}
