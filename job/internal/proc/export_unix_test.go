//go:build unix

package proc

import (
	"io"
	"os"
	"time"
)

// StartPlain starts without a supervisor, as Start does where none is to be
// had.
func StartPlain(cfg Config) (*Process, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	return startGroup(cfg)
}

// ReadLate reads pipe as if the tool had exited, and the machine had stood
// still until the deadline was over. Reading may go on until limit.
func ReadLate(pipe *os.File, limit time.Time) (io.Reader, error) {
	o := makeOutput(pipe)
	o.limit = limit
	err := pipe.SetReadDeadline(time.Now().Add(-time.Second))
	go o.pump()
	return o, err
}
