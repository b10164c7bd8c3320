package main

import (
	"fmt"
	"os"
	"syscall"
)

// endWith has the kernel kill this process when the one that started it ends, however it ends: a process that stands still
// (SIGSTOP) could not see to it itself. With pid 0 it lives on.
func endWith(pid int) error {
	if pid == 0 {
		return nil
	}
	if _, _, code := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0); code != 0 {
		return fmt.Errorf("cannot be ended with its parent: %w", code)
	}
	// It may have ended before the kernel was asked.
	if os.Getppid() != pid {
		os.Exit(1)
	}
	return nil
}
