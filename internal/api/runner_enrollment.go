package api

import (
	"context"
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/store"
)

// Limits of how long a place for a runner stays open.
const (
	enrollHours     = 24
	enrollHoursMost = 30 * 24
)

// enrollmentInput describes a runner that is to come.
type enrollmentInput struct {
	Name             string `json:"name"`
	Tag              string `json:"tag"`
	Webhook          string `json:"webhook"`
	MaxParallelTasks int    `json:"max_parallel_tasks"` // 0: no limit
	ProjectID        *int64 `json:"project_id"`         // whose tasks it takes; null: those of all
	// ExpiresHours is how long the token can be used. Defaults to 24, at most 720.
	ExpiresHours int `json:"expires_hours"`
	// Inactive makes it wait to be switched on once it has come.
	Inactive bool `json:"inactive"`
}

// enrollmentReply is the place with the token that fills it, which is shown this
// once.
type enrollmentReply struct {
	store.Runner
	Token string `json:"token"`
}

// createEnrollment makes a place for a runner, which it fills with a token that
// works once.
func createEnrollment(c *call) error {
	var in enrollmentInput
	if err := c.decode(&in); err != nil {
		return err
	}
	hours := in.ExpiresHours
	if hours == 0 {
		hours = enrollHours
	}
	if hours < 0 || hours > enrollHoursMost {
		return invalid("expires_hours", "is out of range: give 1 to %d", enrollHoursMost)
	}
	made := enrollmentReply{Token: crypto.Token(33)}
	row := runnerInput{Name: in.Name, Tag: in.Tag, Webhook: in.Webhook, MaxParallelTasks: in.MaxParallelTasks, Active: !in.Inactive}
	if err := row.apply(&made.Runner); err != nil {
		return err
	}
	until := c.s.cfg.Now().Add(time.Duration(hours) * time.Hour)
	made.TokenHash, made.ProjectID, made.EnrollBefore = crypto.HashToken(made.Token), in.ProjectID, &until
	err := c.inTx(func(ctx context.Context, tx store.Store) (err error) {
		if made.Runner, err = tx.Runners().Create(ctx, made.Runner); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventRunner, made.ID, "Enrollment of runner %q prepared", made.Name)
	})
	if err != nil {
		return err
	}
	c.private()
	return c.json(http.StatusCreated, made)
}
