package api

import (
	"fmt"
	"net/http"
	"strconv"
)

// number reads a number of the query, or otherwise where it is not given.
func (c *call) number(name string, otherwise, least, most int64) (int64, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, answer(http.StatusBadRequest, fmt.Sprintf("%s: is %q: give a number from %d to %d", name, clip(text, 40), least, most))
	}
	return n, nil
}

// page answers with a list; where more follows, the headers say how to get it.
func (c *call) page(items any, next string) error {
	if next != "" {
		q := c.r.URL.Query()
		q.Set("after", next)
		c.w.Header().Set("X-Next-Cursor", next)
		c.w.Header().Set("Link", fmt.Sprintf("<?%s>; rel=\"next\"", q.Encode()))
	}
	return c.json(http.StatusOK, items)
}
