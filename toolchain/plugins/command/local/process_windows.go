package local

import (
	"errors"
	"os/exec"
	"strconv"
	"syscall"
)

func setProcessGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminateGroup does nothing: there is no signal here that a process without a console could handle.
func terminateGroup(*exec.Cmd) {}

// killGroup ignores the error: the only one is that the tree has ended already.
func killGroup(cmd *exec.Cmd) {
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
}

func isTooLong(err error) bool {
	const filenameExceedsRange = syscall.Errno(206)
	return errors.Is(err, filenameExceedsRange)
}
