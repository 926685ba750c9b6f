//go:build !unix

package signals

// Drain tells nothing: the system has no signals for it.
func Drain() (drain <-chan bool, stop func()) { return nil, func() {} }
