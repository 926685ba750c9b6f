package store

import (
	"regexp"
	"strconv"
)

// versionPattern splits a version into prefix, the last number, and suffix.
var versionPattern = regexp.MustCompile(`^(.*?)(\d+)(\D*)$`)

// NextVersion is the version of a template's next build. It is start where
// there is no previous version, or one of another form; else the number inside
// rises by one over previous, and is start's at least. A start without a number
// is always the version.
func NextVersion(start, previous string) string {
	s := versionPattern.FindStringSubmatch(start)
	p := versionPattern.FindStringSubmatch(previous)
	if s == nil || p == nil || s[1] != p[1] || s[3] != p[3] {
		return start
	}
	first, err := strconv.ParseUint(s[2], 10, 63)
	if err != nil {
		return start
	}
	last, err := strconv.ParseUint(p[2], 10, 63)
	if err != nil {
		return start
	}
	return s[1] + strconv.FormatUint(max(first, last+1), 10) + s[3]
}
