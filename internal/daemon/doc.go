// Package daemon runs throw-away servers for tests, each in a directory of its
// own and as an account without rights. A process that is killed takes its
// servers along; their files are removed by the next one.
package daemon
