package job

// GitCommandName is the command that errors of git name.
func GitCommandName(args ...string) string { return commandName(args) }
