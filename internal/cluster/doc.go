// Package cluster proves that several servers on one PostgreSQL are one: its
// tests start the programs as they are shipped, with a database of their own,
// and stop, kill and cut off servers, runners and the database while tasks run.
// What scripts write down of themselves is held against the store by package
// crash. Programs that lack a safeguard prove that a fault would be found.
package cluster
