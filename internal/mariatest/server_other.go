//go:build !linux

package mariatest

import "errors"

// server is a running daemon, which these tests start on Linux only.
type server struct{ dir string }

func run(string) (*server, error) { return nil, errors.ErrUnsupported }

func (s *server) destroy() {}
