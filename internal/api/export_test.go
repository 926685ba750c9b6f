package api

// AppendLine is for the fuzz target.
var AppendLine = appendLine
