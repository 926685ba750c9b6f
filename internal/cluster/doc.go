// Package cluster proves that several servers on one PostgreSQL are one: its
// tests start the programs as they are shipped, with a database of their own,
// and stop and kill servers and the database while tasks run.
package cluster
