// Package mailtest has a sender that keeps messages and a mail server in the
// test's process.
package mailtest

import (
	"context"
	"slices"
	"sync"

	"github.com/alexandervashurin/semaphore/mail"
)

// Fake is a mail.Sender that keeps what it is given. The zero value is usable.
type Fake struct {
	// Fail is asked about every message, and answers with the error that Send
	// returns. Defaults to none.
	Fail func(m mail.Message) error

	mu   sync.Mutex
	sent []mail.Message
}

// Send keeps a message.
func (f *Fake) Send(ctx context.Context, m mail.Message) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if f.Fail != nil {
		if err := f.Fail(m); err != nil {
			return err
		}
	}
	m.To = slices.Clone(m.To)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, m)
	return nil
}

// Sent returns the messages so far, in order.
func (f *Fake) Sent() []mail.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}
