package job

import "context"

// The output of a run, for the external tests.
type (
	Output        = output
	OutputOptions = outputOptions
)

var NewOutput = newOutput

func (o *output) Do(f func(context.Context, Sink) error) error { return o.do(f) }
