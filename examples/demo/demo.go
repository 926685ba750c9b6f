// Package demo holds the files of the demo: a script, a playbook that runs on
// this machine, and a Terraform configuration that needs no provider.
package demo

import "embed"

// Files are the repository of the demo.
//
//go:embed hello.sh hosts.ini site.yml infra/main.tf
var Files embed.FS
