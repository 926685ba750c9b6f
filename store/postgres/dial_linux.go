package postgres

import "syscall"

// What was sent and not acknowledged for so long ends a connection.
const (
	tcpUserTimeout = 0x12 // option of the system
	unanswered     = 20000
)

func dialControl(network, _ string, c syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	var fault error
	err := c.Control(func(fd uintptr) {
		fault = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, unanswered)
	})
	if err == nil {
		err = fault
	}
	return err
}
