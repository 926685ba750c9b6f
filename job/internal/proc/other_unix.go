//go:build unix && !linux

package proc

// Init does nothing here: there is no supervisor.
func Init() {}

// KillMarked finds nothing here: the environment of processes is not to be
// had.
func KillMarked(string) []string { return nil }

// Guarded is false here: there is no supervisor.
func Guarded(string) bool { return false }

func start(cfg Config) (*Process, error) { return startGroup(cfg) }
