//go:build !race

package api_test

// raced tells that the race detector is on.
const raced = false
