package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/export"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

// errGone tells that the client left before it had the whole reply.
var errGone = errors.New("client has gone")

// reply is an error that says what to answer.
type reply struct {
	status int
	text   string
	inUse  bool
	after  time.Duration // Retry-After
}

// Error returns what the client is told.
func (r *reply) Error() string { return r.text }

func answer(status int, text string) error { return &reply{status: status, text: text} }

// invalid is an answer about one field of a body.
func invalid(field, format string, args ...any) error {
	return answer(http.StatusBadRequest, field+": "+fmt.Sprintf(format, args...))
}

// refit gives a refusal of a lower layer the name that the field has in a body.
func refit(field string, err error) error {
	var f *job.FieldError
	if errors.As(err, &f) {
		return &job.FieldError{Field: field, Reason: f.Reason}
	}
	return err
}

// missing is an error of the store with the noun of what was not found.
type missing struct {
	noun string
	error
}

// Unwrap returns the error of the store.
func (m missing) Unwrap() error { return m.error }

// named says what an [store.ErrNotFound] is about.
func named(err error, noun string) error {
	if errors.Is(err, store.ErrNotFound) {
		return missing{noun, err}
	}
	return err
}

// answerOf maps every error to a reply.
func answerOf(err error) *reply {
	var r *reply
	var field *job.FieldError
	var use *store.InUseError
	var m missing
	var limit *auth.LimitError
	var large *http.MaxBytesError
	var backup *export.BackupError
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &large):
		return &reply{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("body is larger than %d bytes", large.Limit)}
	case errors.As(err, &backup):
		return &reply{status: http.StatusBadRequest, text: backup.Error()}
	case errors.As(err, &limit):
		return &reply{status: http.StatusTooManyRequests, text: "too many failed attempts: try again later", after: limit.RetryAfter}
	case errors.As(err, &field):
		return &reply{status: http.StatusBadRequest, text: field.Error()}
	case errors.As(err, &m):
		return &reply{status: http.StatusNotFound, text: m.noun + " not found"}
	case errors.Is(err, store.ErrNotFound):
		return &reply{status: http.StatusNotFound, text: "not found"}
	case errors.As(err, &use):
		return &reply{status: http.StatusBadRequest, text: use.Error(), inUse: true}
	case errors.Is(err, store.ErrConflict):
		return &reply{status: http.StatusConflict, text: conflictText(err)}
	case errors.Is(err, store.ErrInvalid):
		return &reply{status: http.StatusBadRequest, text: invalidText(err)}
	case errors.Is(err, store.ErrState):
		return &reply{status: http.StatusBadRequest, text: store.ErrState.Error()}
	case errors.Is(err, job.ErrCacheInUse):
		return &reply{status: http.StatusBadRequest, text: job.ErrCacheInUse.Error()}
	case errors.Is(err, auth.ErrPasswordShort), errors.Is(err, auth.ErrPasswordLong):
		return &reply{status: http.StatusBadRequest, text: err.Error()}
	case errors.Is(err, store.ErrBusy), errors.Is(err, store.ErrFull), errors.Is(err, context.DeadlineExceeded):
		return &reply{status: http.StatusServiceUnavailable, text: "the database cannot be used right now: try again", after: time.Second}
	default:
		return &reply{status: http.StatusInternalServerError, text: "something went wrong here: the log of the server says what"}
	}
}

func conflictText(err error) string {
	var c *store.ConflictError
	if errors.As(err, &c) {
		return c.Error()
	}
	return store.ErrConflict.Error()
}

func invalidText(err error) string {
	var ref *store.ReferenceError
	var query *store.QueryError
	switch {
	case errors.As(err, &ref):
		return ref.Error()
	case errors.As(err, &query):
		return query.Error()
	}
	return store.ErrInvalid.Error()
}

// fail answers with an error, and logs what is ours to repair.
func (c *call) fail(err error) {
	if errors.Is(err, errGone) || (c.ctx().Err() != nil && errors.Is(err, context.Canceled)) {
		return
	}
	r := answerOf(err)
	if r.status >= http.StatusInternalServerError {
		c.s.log.Error("request failed", slog.String("request_id", c.requestID), slog.String("route", c.route.method+" "+c.route.path), slog.Any("error", err))
	}
	if t, ok := c.w.(*tracker); ok && t.status != 0 {
		return // the reply is on its way already
	}
	r.write(c.w)
}

// maxErrorText is how much of an error a client is told: some repeat what it
// sent.
const maxErrorText = 1000

// write sends the reply.
func (r *reply) write(w http.ResponseWriter) {
	if r.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(r.after.Seconds()))))
	}
	text := clip(r.text, maxErrorText)
	body := `{"error":` + strconv.QuoteToASCII(text)
	if encoded, err := quote(text); err == nil {
		body = `{"error":` + encoded
	}
	if r.inUse {
		body += `,"inUse":true`
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Del("Content-Length")
	w.WriteHeader(r.status)
	fmt.Fprintln(w, body+"}")
}
