package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

// Headers of the webhook.
const (
	// SignatureHeader holds "sha256=" and the HMAC-SHA256 of the body in hex.
	SignatureHeader = "X-Semaphore-Signature-256"
	// DeliveryHeader is the same for each repetition of an alert, so that a
	// receiver can leave out what it has had.
	DeliveryHeader = "X-Semaphore-Delivery"
)

// Event is the body of the webhook.
type Event struct {
	Event    string       `json:"event"`  // success, recovered, error, waiting_confirmation, unreachable, late or test
	Status   store.Status `json:"status"` // of the task, when it happened
	Task     EventTask    `json:"task"`
	Template EventRef     `json:"template"`
	Project  EventRef     `json:"project"`
	Author   *EventRef    `json:"author"` // who started it; null if nobody did
	URL      string       `json:"url"`    // of the task in the web UI
}

// EventRef names something.
type EventRef struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// EventTask is the task as it is when the event is sent.
type EventTask struct {
	ID         int64      `json:"id"`
	Message    string     `json:"message"`
	Version    string     `json:"version"` // "1.2" for a build, "build 1.2" for a deploy of it
	CommitHash string     `json:"commit_hash"`
	Reason     string     `json:"reason"` // why it ended as it did
	Attempt    int        `json:"attempt"`
	Created    time.Time  `json:"created"`
	Start      *time.Time `json:"start"`
	End        *time.Time `json:"end"`
}

// webhook is the channel for programs.
func webhook(cfg Webhook) channel {
	return channel{
		name: nameWebhook, url: string(cfg.URL), payload: eventBody,
		headers: func(f facts, body []byte) map[string]string {
			headers := map[string]string{DeliveryHeader: f.delivery}
			if cfg.Secret != "" {
				headers[SignatureHeader] = sign([]byte(cfg.Secret), body)
			}
			return headers
		},
		taken: func(status int) bool { return status >= 200 && status < 300 },
	}
}

func sign(secret, body []byte) string {
	sum := hmac.New(sha256.New, secret)
	sum.Write(body)
	return "sha256=" + hex.EncodeToString(sum.Sum(nil))
}

func eventBody(f facts) any {
	t := f.task
	e := Event{
		Event: f.event, Status: f.status, URL: f.url,
		Template: EventRef{f.template.ID, f.template.Name}, Project: EventRef{f.project.ID, f.project.Name},
		Task: EventTask{
			ID: t.ID, Message: t.Message, Version: f.version, Reason: t.Reason, Attempt: t.Attempt,
			Created: t.Created.UTC(), Start: t.Start, End: t.End,
		},
	}
	if t.CommitHash != nil {
		e.Task.CommitHash = *t.CommitHash
	}
	if t.UserID != nil {
		e.Author = &EventRef{*t.UserID, f.author}
	}
	return e
}
