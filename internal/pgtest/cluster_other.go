//go:build !linux

package pgtest

import (
	"errors"
	"net/netip"
	"time"
)

type (
	home   struct{}
	server struct{} // a running postmaster, which these tests start on Linux only
)

func start(string, netip.Prefix) (*Cluster, error) { return nil, errors.ErrUnsupported }

func (s *server) Kill(time.Duration) error { return errors.ErrUnsupported }

func (c *Cluster) run() error { return errors.ErrUnsupported }

func (c *Cluster) destroy() {}
