//go:build unix

package signals

import (
	"os"
	"os/signal"
	"syscall"
)

// Drain tells of each USR1 as true and of each USR2 as false: to take no more
// tasks, and to take them again. Stop gives the signals back.
func Drain() (drain <-chan bool, stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	told, ended, done := make(chan bool), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ended:
				return
			case s := <-signals:
				select {
				case told <- s == syscall.SIGUSR1:
				case <-ended:
					return
				}
			}
		}
	}()
	return told, func() {
		signal.Stop(signals)
		close(ended)
		<-done
	}
}
