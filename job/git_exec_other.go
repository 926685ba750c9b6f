//go:build unix && !linux

package job

import "syscall"

// endWithParent can do nothing here: the kernel does not offer it.
func endWithParent(*syscall.SysProcAttr) {}
