//go:build race

package api_test

// raced tells that the race detector is on: walks of thousands of requests, and
// the second store, are left to the run without it.
const raced = true
