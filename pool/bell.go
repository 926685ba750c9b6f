package pool

import "sync"

// bell wakes one loop, and everybody who listens beside it. Ringing twice
// before somebody wakes counts once.
type bell struct {
	c chan struct{}

	mu    sync.Mutex
	heard map[chan struct{}]bool
}

func newBell() *bell {
	return &bell{c: make(chan struct{}, 1), heard: map[chan struct{}]bool{}}
}

func (b *bell) ring() {
	wake(b.c)
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.heard {
		wake(c)
	}
}

// listen returns a channel that every ring reaches, until stop is called.
func (b *bell) listen() (c <-chan struct{}, stop func()) {
	own := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard[own] = true
	return own, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.heard, own)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
