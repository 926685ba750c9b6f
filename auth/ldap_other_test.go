//go:build !unix

package auth_test

import (
	"os/exec"
	"testing"
)

func asNobody(*testing.T, *exec.Cmd, string) {}
