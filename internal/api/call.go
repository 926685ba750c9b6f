package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// call is one request on its way through a handler.
type call struct {
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	route route

	requestID string
	identity  *auth.Identity // nil for routes that are open to anyone
	user      store.User
	project   store.Project     // of the path
	access    auth.Access       // in that project
	keep      func(body []byte) // takes the reply of a route that is cached
	outside   outside           // what its transactions change in storages outside
}

func (c *call) ctx() context.Context { return c.r.Context() }

// id reads a number of the path.
func (c *call) id(name string) (int64, error) {
	text := c.r.PathValue(name)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, answer(http.StatusBadRequest, fmt.Sprintf("%s id %q is no number", name, clip(text, 40)))
	}
	return id, nil
}

// json answers with a value.
func (c *call) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode reply: %w", err)
	}
	body = append(body, '\n')
	if c.keep != nil && status == http.StatusOK {
		c.keep(body)
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	if _, err := c.w.Write(body); err != nil {
		return errGone
	}
	return nil
}

// empty answers with a status alone.
func (c *call) empty(status int) error {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	return nil
}

// text answers with plain text.
func (c *call) text(status int, text string) error {
	c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	c.w.WriteHeader(status)
	if _, err := fmt.Fprint(c.w, text); err != nil {
		return errGone
	}
	return nil
}

// caller tells the pool who asks.
func (c *call) caller() pool.Caller {
	return pool.Caller{UserID: c.user.ID, Username: c.user.Username, Manage: c.can(canManage)}
}

// inTx runs f in a transaction. Where f gives secrets to storages outside, it is
// run twice, the first time to find out whether it would succeed: f then begins
// anew.
func (c *call) inTx(f func(ctx context.Context, tx store.Store) error) error {
	return c.outside.around(c, func() error {
		return c.s.st.InTx(c.ctx(), func(ctx context.Context, tx store.Store) error {
			if err := f(ctx, tx); err != nil {
				return err
			}
			return c.outside.rehearsed()
		})
	})
}

// record writes an event about something of the project, in the transaction of
// what it records.
func (c *call) record(ctx context.Context, tx store.Store, kind store.EventType, id int64, format string, args ...any) error {
	e := store.Event{
		UserID: &c.user.ID, ObjectID: &id, ObjectType: kind,
		Description: clip(fmt.Sprintf(format, args...), 1000), Created: c.s.cfg.Now(),
	}
	if c.project.ID != 0 {
		e.ProjectID = &c.project.ID
	}
	if err := tx.Events().Add(ctx, e); err != nil {
		return fmt.Errorf("record event: %w", err)
	}
	return nil
}

// clip shortens a text to n bytes at most, for messages.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xC0 == 0x80 {
		n--
	}
	return text[:n] + "…"
}
