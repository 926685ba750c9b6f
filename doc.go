// Package semaphore is the front door of Semaphore for Go: durable tasks that
// run Ansible, Terraform and scripts from git repositories.
//
// What stands today is the heart: package [github.com/alexandervashurin/semaphore/job]
// runs one task, and the command `semaphore run` is built on it.
package semaphore
