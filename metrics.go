package semaphore

import (
	"time"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// both calls the metrics of the API and, behind them, those of the host program.
func both(ours, theirs pool.Metrics) pool.Metrics {
	return pool.Metrics{
		Launched: func(app string) {
			ours.Launched(app)
			if theirs.Launched != nil {
				theirs.Launched(app)
			}
		},
		Waited: func(app string, d time.Duration) {
			ours.Waited(app, d)
			if theirs.Waited != nil {
				theirs.Waited(app, d)
			}
		},
		Finished: func(app string, s store.Status, d time.Duration) {
			ours.Finished(app, s, d)
			if theirs.Finished != nil {
				theirs.Finished(app, s, d)
			}
		},
		Lines: func(n int) {
			ours.Lines(n)
			if theirs.Lines != nil {
				theirs.Lines(n)
			}
		},
		Lost: func(o store.ExpiryOutcome) {
			ours.Lost(o)
			if theirs.Lost != nil {
				theirs.Lost(o)
			}
		},
	}
}
