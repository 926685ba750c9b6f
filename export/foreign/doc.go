// Package foreign reads an installation of Semaphore UI in place and brings it
// into a store of this project. The old database is only read: a SQLite or
// BoltDB file stays byte for byte what it is, PostgreSQL and MySQL are read in
// one transaction that cannot write.
//
// Open finds out what is there, [Installation.Import] loads it with its ids into
// an empty store that is a store.Stager, all or nothing, and tells in a [Report]
// what was kept, changed and refused. [Installation.Rows] gives the same rows
// without their tasks, for programs that only look.
//
// The package links drivers for MySQL and BoltDB, which nothing else here needs.
package foreign
