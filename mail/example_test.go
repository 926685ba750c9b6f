package mail_test

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/mail/mailtest"
)

func ExampleNewSMTP() {
	_, err := mail.NewSMTP(mail.Config{
		Host: "mail.example.com", Security: mail.TLS, From: "Semaphore <semaphore@example.com>",
		Username: "semaphore", Password: "secret",
	})
	fmt.Println(err)

	_, err = mail.NewSMTP(mail.Config{Host: "mail.example.com", Security: "ssl"})
	fmt.Println(err)
	// Output:
	// <nil>
	// mail: unknown security "ssl": use none, starttls or tls
}

func ExampleSender() {
	fake := &mailtest.Fake{} // in a program: what NewSMTP returns
	var sender mail.Sender = fake
	err := sender.Send(context.Background(), mail.Message{
		To: []string{"Ann <ann@example.com>"}, Subject: "Deploy failed", Text: "Have a look.",
	})
	fmt.Println(err, fake.Sent()[0].Subject)
	// Output: <nil> Deploy failed
}
