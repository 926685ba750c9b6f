//go:build unix

package proc

import (
	"io"
	"os"
	"syscall"
)

// errEmpty tells that the pipe is held by somebody and has nothing in it.
const errEmpty = syscall.EAGAIN

// readNow reads what is in the pipe without waiting. The error is errEmpty or
// io.EOF when nothing is.
func readNow(pipe *os.File, b []byte) (n int, err error) {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return 0, err
	}
	var readErr error
	err = conn.Read(func(fd uintptr) bool {
		for {
			n, readErr = syscall.Read(int(fd), b)
			if readErr != syscall.EINTR {
				return true
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case readErr != nil:
		return 0, readErr
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
