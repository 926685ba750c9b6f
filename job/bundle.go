package job

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// bundleLimit bounds a run bundle, unpacked.
const bundleLimit = 256 << 20

// bundleManifest is the first entry of a bundle.
type bundleManifest struct {
	Version   int         `json:"version"`
	TaskID    int64       `json:"task_id"`
	App       string      `json:"app"`
	Playbook  string      `json:"playbook"`
	Workspace string      `json:"workspace"`
	InPlace   string      `json:"in_place,omitempty"` // the local directory, which is not packed
	Commit    Commit      `json:"commit"`
	Plan      PlanSummary `json:"plan"`
}

const (
	manifestName = "manifest.json"
	planName     = "plan.out"
	treePrefix   = "workspace/"
)

var errBundleTooLarge = fmt.Errorf("the run bundle is over %d MB: keep large files out of the repository, or confirm while the task runs", bundleLimit>>20)

// packBundle keeps what a later apply needs: the workspace as init and plan
// left it, without history and providers, and the plan.
func (t *terraformRun) packBundle() error {
	t.status(Running, PhaseConfirm, "keeping the plan")
	manifest := bundleManifest{
		Version: 1, TaskID: t.spec.Task.ID, App: t.spec.App, Playbook: t.spec.Playbook,
		Workspace: t.workspace, Commit: t.commit, Plan: t.summary,
	}
	tree := t.checkout.root
	if t.checkout.inPlace {
		manifest.InPlace, tree = t.checkout.root, ""
	}
	plan, err := t.dir.readFile(t.planFile)
	if err != nil {
		return fmt.Errorf("keep plan for confirmation: %w", err)
	}
	reader, writer := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := writeBundle(writer, manifest, plan, tree)
		packed <- writer.CloseWithError(err)
	}()
	err = t.job.cfg.Bundles.Save(t.ctx, t.spec.Task.ID, reader)
	err = errors.Join(err, reader.CloseWithError(errors.New("bundle store stopped reading")), <-packed)
	if err != nil {
		return fmt.Errorf("keep plan for confirmation: %w", err)
	}
	return nil
}

// writeBundle writes manifest, plan and tree as a compressed archive.
func writeBundle(w io.Writer, manifest bundleManifest, plan []byte, tree string) error {
	zip := gzip.NewWriter(w)
	archive := tar.NewWriter(zip)
	head, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{manifestName: head, planName: plan} {
		if err := addFile(archive, name, data); err != nil {
			return err
		}
	}
	if tree != "" {
		if err := addTree(archive, tree); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zip.Close())
}

func addFile(archive *tar.Writer, name string, data []byte) error {
	header := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), Typeflag: tar.TypeReg}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(data)
	return err
}

// addTree packs a workspace but for .git and the providers, which init brings
// again by the lock file.
func addTree(archive *tar.Writer, dir string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	total := int64(0)
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == "." {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "providers" && filepath.Base(filepath.Dir(path)) == ".terraform") {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if total += info.Size(); total > bundleLimit {
			return errBundleTooLarge
		}
		return addEntry(archive, path, treePrefix+filepath.ToSlash(rel), info)
	})
}

func addEntry(archive *tar.Writer, path, name string, info fs.FileInfo) error {
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		var err error
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	} else if !info.Mode().IsRegular() && !info.IsDir() {
		return nil // sockets and the like
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name, header.Uname, header.Gname = name, "", ""
	if err := archive.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(archive, f, info.Size())
	return err
}

// unpackBundle makes the workspace and the plan of a held run again.
func (t *terraformRun) unpackBundle() error {
	t.status(Starting, PhaseRepository, "unpacking the plan")
	r, err := t.job.cfg.Bundles.Open(t.ctx, t.spec.Task.ID)
	if err != nil {
		return fmt.Errorf("open run bundle: %w", err)
	}
	defer r.Close()
	root := t.dir.file(dirRepository)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return fmt.Errorf("unpack run bundle: %w", err)
	}
	manifest, err := readBundle(r, t.dir.file(dirSecret, planName), root)
	if err != nil {
		return fmt.Errorf("unpack run bundle: %w", err)
	}
	switch {
	case manifest.TaskID != t.spec.Task.ID || manifest.App != t.spec.App || manifest.Playbook != t.spec.Playbook:
		return errors.New("the run bundle belongs to another task: plan again")
	case manifest.Workspace != t.workspace:
		return fmt.Errorf("the plan was made in workspace %q, not %q: plan again", manifest.Workspace, t.workspace)
	}
	t.checkout = checkout{root: t.dir.linked(dirRepository)}
	if manifest.InPlace != "" {
		if err := t.useInPlace(manifest.InPlace); err != nil {
			return err
		}
	}
	t.commit, t.summary = manifest.Commit, manifest.Plan
	return t.out.do(func(ctx context.Context, s Sink) error { return s.Commit(ctx, t.commit) })
}

// readBundle unpacks an archive, whose names may not leave dir.
func readBundle(r io.Reader, planFile, dir string) (bundleManifest, error) {
	var manifest bundleManifest
	zip, err := gzip.NewReader(r)
	if err != nil {
		return manifest, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return manifest, err
	}
	defer root.Close()
	archive := tar.NewReader(io.LimitReader(zip, bundleLimit+64<<20))
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return manifest, err
		}
		switch {
		case header.Name == manifestName:
			if err := json.NewDecoder(archive).Decode(&manifest); err != nil {
				return manifest, err
			}
		case header.Name == planName:
			if err := copyTo(planFile, archive); err != nil {
				return manifest, err
			}
		case strings.HasPrefix(header.Name, treePrefix):
			if err := extract(root, strings.TrimPrefix(header.Name, treePrefix), header, archive); err != nil {
				return manifest, err
			}
		}
	}
	if manifest.Version != 1 {
		return manifest, fmt.Errorf("bundle version %d is not supported: plan again", manifest.Version)
	}
	return manifest, nil
}

func copyTo(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func extract(root *os.Root, name string, header *tar.Header, r io.Reader) error {
	mode := header.FileInfo().Mode().Perm()
	switch header.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, mode|0o700)
	case tar.TypeSymlink:
		return root.Symlink(header.Linkname, name)
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Close())
	}
	return nil
}
