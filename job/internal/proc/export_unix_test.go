//go:build unix

package proc

// StartPlain starts without a supervisor, as Start does where none is to be
// had.
func StartPlain(cfg Config) (*Process, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	return startGroup(cfg)
}
