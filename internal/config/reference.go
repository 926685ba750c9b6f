package config

import (
	"fmt"
	"strings"
)

// Reference returns docs/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

A JSON file, then environment variables over it, then options of the database. What is written counts, zero and false too; an empty text, a null and what is not written have their default. ` + "`semaphore config`" + ` shows the values in effect and where each came from, ` + "`semaphore setup`" + ` writes a file.

- The file is what ` + "`--config`" + ` names, else ` + "`SEMAPHORE_CONFIG_PATH`" + ` (the file or its directory), else the first of ` + "`./config.json`, `/usr/local/etc/semaphore/config.json`, `/etc/semaphore/config.json`" + `. ` + "`--no-config`" + ` reads none.
- An unknown key or variable is a warning that names the nearest known one. A value of the wrong type, or against its rule, is an error that names key and place.
- Booleans are true, yes, on, 1 or false, no, off, 0. Lists and objects are JSON; a list of plain values may also be separated by commas, paths are separated as in ` + "`PATH`" + `.
- Variables marked with * may be given as ` + "`<VARIABLE>_FILE`" + `, which names a file with the value.
- A file with secrets that others may read is a warning, and refused with ` + "`strict_permissions`" + `.
- Options of the database set keys by their dotted name, ` + "`apps.<id>.active`" + ` for instance. What opens the database, names files of the server or guards its secrets is never read from there.

| key | variable | type | default | meaning |
|---|---|---|---|---|
`)
	for _, k := range Keys() {
		name := "`" + k.Name + "`"
		if k.EnvOnly {
			name = "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", name, k.variableCell(), cell(k.typeText()), code(k.Default), cell(k.Doc))
	}
	return b.String()
}

func (k Key) variableCell() string {
	names := make([]string, len(k.Env))
	for i, e := range k.Env {
		names[i] = "`" + e + "`"
		if k.Files {
			names[i] += "*"
		}
	}
	return strings.Join(names, ", ")
}

func (k Key) typeText() string {
	if k.Rule == "" {
		return k.Type
	}
	return k.Type + ": " + k.Rule
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}

// cell keeps text from ending a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
