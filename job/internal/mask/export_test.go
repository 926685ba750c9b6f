package mask

import "slices"

// Forms returns all forms the masker looks for.
func (m *Masker) Forms() []string {
	if m.machine == nil {
		return nil
	}
	return slices.Concat(m.machine.forms...)
}

// TableSize returns the bytes of the transition table.
func (m *Masker) TableSize() int { return 4 * len(m.machine.next) }
