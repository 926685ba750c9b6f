// Package storetest is the suite that every backend of package store passes:
// [Run] proves what the interfaces promise, [Benchmarks] prints how fast they
// do it. Production code never imports it.
package storetest

import (
	"testing"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Run proves a backend. It calls open once per test for an empty store that
// reads the time from now; open registers what closes it, and the suite may
// have closed it before. Tests of optional interfaces run where the store has
// them. Tests run in parallel.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) store.Store) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range s.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					clock := newClock()
					c.run(t, newWorld(t, open(t, clock.Now), clock))
				})
			}
		})
	}
}

// subject is a part of the contract.
type subject struct {
	name  string
	cases []testCase
}

// testCase is one sentence about a backend and what proves it.
type testCase struct {
	name string
	run  func(t *testing.T, w *world)
}

func subjects() []subject {
	return []subject{
		{"tables", tableCases()},
		{"queries", queryCases()},
		{"references", referenceCases()},
		{"users and projects", userCases()},
		{"tasks", taskCases()},
		{"claim", claimCases()},
		{"lease", leaseCases()},
		{"finish", finishCases()},
		{"answers", answerCases()},
		{"expire", expireCases()},
		{"states", modelCases()},
		{"log", logCases()},
		{"schedules", scheduleCases()},
		{"artifacts", artifactCases()},
		{"events", eventCases()},
		{"transactions", txCases()},
		{"purge", purgeCases()},
		{"sealed values", sealedCases()},
		{"concurrency", concurrencyCases()},
		{"dump", dumpCases()},
		{"optional abilities", optionalCases()},
	}
}
