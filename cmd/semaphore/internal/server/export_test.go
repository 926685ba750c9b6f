package server

// For tests.
var (
	LinkDir = linkDir
	ToHTTPS = toHTTPS
	Own     = own
)
