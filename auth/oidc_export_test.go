package auth

import "time"

// ReturnPath accepts pages of ours.
var ReturnPath = returnPath

// MaxUsedStates is how many finished sign-ins are remembered.
const MaxUsedStates = maxUsedStates

// UsedStates shows what remembers them.
type UsedStates struct{ u *usedStates }

// NewUsedStates makes one.
func NewUsedStates(now func() time.Time) *UsedStates { return &UsedStates{newUsedStates(now)} }

// Add reports false for what was added before.
func (u *UsedStates) Add(state string, until time.Time) bool { return u.u.add(state, until) }

// Len tells how many there are.
func (u *UsedStates) Len() int { return len(u.u.until) }
