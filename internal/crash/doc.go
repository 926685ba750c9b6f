// Package crash proves that a queue on a file loses nothing, whatever is killed.
//
// [Program] is a small program on the library that runs the tasks of one
// database. Tests kill it, stop it and start it again while its scripts write
// down what they do; [Check] then holds that log of events against what the
// store says. Mutants of the program, each with one safeguard taken out, prove
// that the check would find a fault; [Faults] makes single calls of a store
// fail.
package crash
