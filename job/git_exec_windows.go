package job

import (
	"os/exec"
	"strconv"
)

// ownGroup makes a cancelled git end together with its helpers.
func ownGroup(cmd *exec.Cmd) {
	cmd.Cancel = func() error {
		killGroup(cmd)
		return cmd.Process.Kill()
	}
}

// killGroup ends the process tree below cmd.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run() //nolint:gosec,noctx // a number; must run when the context is over
	}
}
