// Package e2e tests the server against real programs of others whose modules
// the server itself does not need. It is a module of its own for that.
package e2e
