package jobtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FakeTool is a program that records how it was called.
type FakeTool struct {
	Path string // of the program
	dir  string
}

// Call is one call of a FakeTool.
type Call struct {
	Args []string
	Env  map[string]string
	Dir  string
}

// NewFakeTool writes a shell script of the given name that records its
// arguments, environment and directory, then runs body.
func NewFakeTool(t testing.TB, name, body string) *FakeTool {
	t.Helper()
	dir := t.TempDir()
	tool := &FakeTool{Path: filepath.Join(dir, "bin", name), dir: filepath.Join(dir, "calls")}
	require.NoError(t, os.MkdirAll(filepath.Dir(tool.Path), 0o755))
	require.NoError(t, os.MkdirAll(tool.dir, 0o755))
	script := fmt.Sprintf(`#!/bin/sh
n=0
while ! mkdir %[1]q/"$n" 2>/dev/null; do n=$((n+1)); done
call=%[1]q/$n
for a in "$@"; do printf '%%s\0' "$a"; done >"$call/args"
env -0 >"$call/env"
pwd >"$call/dir"
%[2]s
`, tool.dir, body)
	require.NoError(t, os.WriteFile(tool.Path, []byte(script), 0o755))
	return tool
}

// Calls returns the recorded calls in order.
func (f *FakeTool) Calls(t testing.TB) []Call {
	t.Helper()
	var calls []Call
	for n := 0; ; n++ {
		dir := filepath.Join(f.dir, fmt.Sprint(n))
		args, err := os.ReadFile(filepath.Join(dir, "args"))
		if os.IsNotExist(err) {
			return calls
		}
		require.NoError(t, err)
		env, err := os.ReadFile(filepath.Join(dir, "env"))
		require.NoError(t, err)
		cwd, err := os.ReadFile(filepath.Join(dir, "dir"))
		require.NoError(t, err)
		call := Call{Env: map[string]string{}, Dir: strings.TrimSpace(string(cwd))}
		if len(args) > 0 {
			call.Args = strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00")
		}
		for _, pair := range strings.Split(string(env), "\x00") {
			if name, value, ok := strings.Cut(pair, "="); ok {
				call.Env[name] = value
			}
		}
		calls = append(calls, call)
	}
}
