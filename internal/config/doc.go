// Package config reads the configuration of the programs: a JSON file, then
// SEMAPHORE_* environment variables, then options of the database, over
// defaults. A value that is written, zero or false too, always replaces the
// default; an empty text counts as not written.
//
// The struct tags of [Config] are the one list of keys: they say how a key and
// its variables are called, its default, its rule and what it means. Loading,
// printing and docs/configuration.md all follow them:
//
//	json     name in the file
//	env      variables, the first that is set counts; a secret may also be read
//	         from the file that <VARIABLE>_FILE names
//	default  value where nothing is written
//	rule     what is allowed, see rules.go
//	only     "env": not read from the file
//	doc      meaning
//
// Secrets are of type [Secret], which prints as "***".
package config
