package job

import "syscall"

// endWithParent makes the kernel end git when this process dies, whatever way
// it dies. Its helpers end with their pipes; what does not is found by a sweep.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
