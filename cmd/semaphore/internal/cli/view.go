package cli

import (
	"github.com/alexandervashurin/semaphore/job"
)

// view shows a run to a person or a program.
type view interface {
	job.Sink
	note(format string, args ...any)  // something about this command itself
	end(result job.Result, err error) // the last thing shown
}
