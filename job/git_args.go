package job

import (
	"os"
	"strconv"
	"strings"
)

// The argv builders of this file are the only places where text that users
// typed meets git's command line. Each puts it behind --end-of-options, or
// behind a fixed prefix such as refs/heads/.

// gitConfig are settings of every command this package starts. They hold
// against what a task or a repository has configured; the administrator's own
// settings for proxies, certificates and the like are not among them.
func gitConfig() []string {
	settings := []string{
		"core.hooksPath=" + os.DevNull,
		"core.fsmonitor=false",
		"core.packedRefsTimeout=10000",
		"core.filesRefLockTimeout=10000",
		"gc.auto=0",
		"maintenance.auto=false",
		"advice.detachedHead=false",
		"submodule.recurse=false",
		"fetch.recurseSubmodules=false",
		"log.showSignature=false",
		"i18n.logOutputEncoding=UTF-8",
		"credential.useHttpPath=false",
	}
	return configArgs(settings)
}

// noFilterConfig checks LFS files out as the pointers they are; [gitSession.lfs]
// fetches their content from the real remote afterwards.
func noFilterConfig() []string {
	return configArgs([]string{"filter.lfs.smudge=", "filter.lfs.process=", "filter.lfs.clean=", "filter.lfs.required=false"})
}

// withoutFilters are settings that keep git from running the filters that a
// repository's own configuration names.
func withoutFilters(names []string) []string {
	var settings []string
	for _, name := range names {
		settings = append(settings, name+".clean=", name+".smudge=", name+".process=", name+".required=false")
	}
	return configArgs(settings)
}

func configArgs(settings []string) []string {
	args := make([]string, 0, 2*len(settings))
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

func headsArgs(url string) []string {
	return []string{"ls-remote", "--heads", "--end-of-options", url}
}

func headArgs(url string) []string {
	return []string{"ls-remote", "--symref", "--end-of-options", url, "HEAD"}
}

func initArgs(dir, format string, bare bool) []string {
	args := []string{"init", "--quiet"}
	if bare {
		args = append(args, "--bare")
	}
	if format != "" {
		args = append(args, "--object-format="+format)
	}
	return append(args, "--end-of-options", dir)
}

// fetchArgs fetches refspecs and nothing beside them. Pruning is bound by the
// refspecs, so that refs of other kinds, the pins, stay.
func fetchArgs(url string, depth int, progress, prune bool, refspecs ...string) []string {
	args := []string{"fetch", "--no-tags", "--force", "--no-recurse-submodules"}
	if prune {
		args = append(args, "--prune")
	}
	if depth > 0 {
		args = append(args, "--depth="+strconv.Itoa(depth))
	}
	if progress {
		args = append(args, "--progress")
	}
	return append(append(args, "--end-of-options", url), refspecs...)
}

// The refspecs of a mirror and of a clone.
var (
	mirrorRefspecs = []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
	cloneRefspecs  = []string{"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"}
)

func cloneArgs(mirror, dir string, private bool) []string {
	how := "--shared"
	if private {
		how = "--no-local"
	}
	return []string{"clone", "--quiet", how, "--no-checkout", "--end-of-options", mirror, dir}
}

// checkoutArgs takes a full hash.
func checkoutArgs(hash string, force bool) []string {
	args := append(noFilterConfig(), "checkout", "--quiet", "--detach")
	if force {
		args = append(args, "--force")
	}
	return append(args, hash, "--")
}

// refCandidates are the full names that a branch or tag may have in a
// repository whose branches lie below heads.
func refCandidates(ref, heads string) []string {
	if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
		return []string{heads + name}
	}
	if strings.HasPrefix(ref, "refs/tags/") {
		return []string{ref}
	}
	return []string{heads + ref, "refs/tags/" + ref}
}

// shortRef is a ref as people write it.
func shortRef(ref string) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
}

func pinRef(pin string) string { return "refs/semaphore/task/" + pin }
