// Package mail sends e-mail. [Sender] is the seam; [SMTP] is what programs use,
// and package mail/mailtest has a fake and a server for tests.
package mail

import (
	"context"
	"errors"
)

// Message is one e-mail. Text and HTML are two forms of the same words; at least
// one is required, and with both the reader's program chooses.
type Message struct {
	// From is an address, or a name and an address: "Semaphore <s@example.com>".
	// Defaults to that of the sender.
	From string
	// To holds at least one address, with or without a name. All of them see each
	// other.
	To []string
	// Subject may hold any text. Line breaks and other control characters become
	// spaces, so that no text adds a header.
	Subject string
	Text    string
	HTML    string
}

// Sender hands a message over to whoever carries it. It may be called from any
// goroutine, and returns once the message was taken, or with the cause of ctx.
// What can never be taken is [ErrRejected]; after any other error trying again
// may help, and may send the message twice.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ErrRejected tells that sending the same message again is useless: an address
// is malformed, or the server refused sender, recipient or content for good.
var ErrRejected = errors.New("message was rejected")

// ErrUnencrypted tells that a password would have gone over the network in
// clear, and was not sent.
var ErrUnencrypted = errors.New("connection is not encrypted: switch TLS on, or leave the user name empty")

// Password signs in to a mail server. It prints as ***.
type Password string

const stars = "***"

// String hides the password.
func (Password) String() string { return stars }

// GoString hides the password.
func (Password) GoString() string { return stars }

// MarshalText hides the password from JSON and logs.
func (Password) MarshalText() ([]byte, error) { return []byte(stars), nil }
