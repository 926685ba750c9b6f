package gogit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/revlist"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// go-git's own transport for local paths starts the git binary. These functions
// read the other repository directly.

func openLocal(path string) (*git.Repository, error) {
	repo, err := git.PlainOpen(path)
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, transport.ErrRepositoryNotFound
	}
	return repo, err
}

func listLocal(path string) ([]*plumbing.Reference, error) {
	repo, err := openLocal(path)
	if err != nil {
		return nil, err
	}
	iter, err := repo.Storer.IterReferences()
	if err != nil {
		return nil, err
	}
	var refs []*plumbing.Reference
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		refs = append(refs, ref)
		return nil
	})
	return refs, err
}

// fetchLocal copies what the refspecs name from the repository at path.
func fetchLocal(ctx context.Context, repo *git.Repository, path string, prune bool, specs []config.RefSpec) error {
	source, err := openLocal(path)
	if err != nil {
		return err
	}
	remote, err := listLocal(path)
	if err != nil {
		return err
	}
	wanted := matchRefs(remote, specs)
	var wants []plumbing.Hash
	for _, ref := range wanted {
		if repo.Storer.HasEncodedObject(ref.Hash()) != nil {
			wants = append(wants, ref.Hash())
		}
	}
	if err := copyObjects(ctx, repo.Storer, source.Storer, wants); err != nil {
		return err
	}
	for _, ref := range wanted {
		if err := repo.Storer.SetReference(ref); err != nil {
			return err
		}
	}
	if prune {
		return pruneRefs(repo, wanted)
	}
	return nil
}

// matchRefs are the references that the refspecs make of remote ones.
func matchRefs(remote []*plumbing.Reference, specs []config.RefSpec) []*plumbing.Reference {
	var refs []*plumbing.Reference
	for _, spec := range specs {
		if spec.IsExactSHA1() {
			refs = append(refs, plumbing.NewHashReference(spec.Dst(""), plumbing.NewHash(spec.Src())))
			continue
		}
		for _, ref := range remote {
			if ref.Type() == plumbing.HashReference && spec.Match(ref.Name()) {
				refs = append(refs, plumbing.NewHashReference(spec.Dst(ref.Name()), ref.Hash()))
			}
		}
	}
	return refs
}

// copyObjects packs what is missing and unpacks it on the other side.
func copyObjects(ctx context.Context, to, from storer.Storer, wants []plumbing.Hash) error {
	if len(wants) == 0 {
		return nil
	}
	hashes, err := revlist.Objects(from, wants, nil)
	if err != nil {
		return err
	}
	hashes = slices.DeleteFunc(hashes, func(h plumbing.Hash) bool { return to.HasEncodedObject(h) == nil })
	pipe, packed := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = pipe.CloseWithError(context.Cause(ctx)) })
	defer stop()
	encoded := make(chan struct{})
	go func() {
		defer close(encoded)
		_, err := packfile.NewEncoder(packed, from, false).Encode(hashes, 10)
		_ = packed.CloseWithError(err)
	}()
	err = packfile.UpdateObjectStorage(to, pipe)
	_ = pipe.CloseWithError(err)
	<-encoded
	if err != nil {
		return fmt.Errorf("copy objects: %w", err)
	}
	return nil
}

// pruneRefs removes branches and tags that are gone.
func pruneRefs(repo *git.Repository, wanted []*plumbing.Reference) error {
	keep := map[plumbing.ReferenceName]bool{}
	for _, ref := range wanted {
		keep[ref.Name()] = true
	}
	iter, err := repo.Storer.IterReferences()
	if err != nil {
		return err
	}
	var gone []plumbing.ReferenceName
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if (ref.Name().IsRemote() || ref.Name().IsTag()) && ref.Type() == plumbing.HashReference && !keep[ref.Name()] {
			gone = append(gone, ref.Name())
		}
		return nil
	})
	for _, name := range gone {
		err = errors.Join(err, repo.Storer.RemoveReference(name))
	}
	return err
}
