// Package signals stops programs in order: servers and runners alike.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Until ends the context at the first signal, Ctrl-C or TERM; hurry is closed at
// the second. Stop gives the signals back.
func Until(parent context.Context) (ctx context.Context, hurry <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	hurried, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-ended:
				return
			case <-signals:
				if n == 1 {
					close(hurried)
				}
				cancel()
			}
		}
	}()
	return ctx, hurried, func() {
		signal.Stop(signals)
		close(ended)
		<-done
		cancel()
	}
}
