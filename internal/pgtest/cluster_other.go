//go:build !linux

package pgtest

import "errors"

// server is a running postmaster, which these tests start on Linux only.
type server struct{}

func start(string) (*Cluster, error) { return nil, errors.ErrUnsupported }

func (s *server) kill() error { return errors.ErrUnsupported }

func (c *Cluster) run() error { return errors.ErrUnsupported }

func (c *Cluster) destroy() {}
