package server

import "context"

// For tests.
var (
	LinkDir = linkDir
	ToHTTPS = toHTTPS
	Own     = own
)

// Begin takes a data directory.
func Begin(ctx context.Context, dir string) (self string, dead []string, release func() error, err error) {
	l, release, err := begin(ctx, dir)
	return l.self, l.dead, release, err
}
