package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/store"
)

const (
	outputPage    = 20_000   // lines that are read at once
	outputBuffer  = 64 << 10 // bytes that are written at once
	hexDigits     = "0123456789abcdef"
	outputStalled = 60 * time.Second // how long a client may take for a page
)

func (s *Server) outputRoutes() []route {
	one := "/project/{project}/tasks/{task}"
	list := []route{
		{method: "GET", path: one + "/output", right: member, handle: s.output},
		{method: "GET", path: one + "/raw_output", right: member, handle: s.rawOutput},
	}
	return append(list, s.liveRoutes()...)
}

// output answers with all lines of a task, or with those that from and limit
// choose; then X-Next is where to go on, and X-Total-Count how many there are.
func (s *Server) output(c *call) error {
	from, err := c.number("from", 0, 0, math.MaxInt64)
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 0, 1, outputPage)
	if err != nil {
		return err
	}
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	if c.r.URL.Query().Get("from") == "" && limit == 0 {
		first := true
		return c.lines(t, "application/json", "[", "]\n", func(b []byte, l *store.LogLine) ([]byte, error) {
			if !first {
				b = append(b, ',')
			}
			first = false
			return appendLine(b, t.ID, l)
		})
	}
	if limit == 0 {
		limit = outputPage
	}
	page, err := s.pool.Output(c.ctx(), t.ProjectID, t.ID, from, int(limit))
	if err != nil {
		return taskError(err, t.ID)
	}
	c.w.Header().Set("X-Next", strconv.FormatInt(page.Next, 10))
	c.w.Header().Set("X-Total-Count", strconv.FormatInt(page.Total, 10))
	body := []byte{'['}
	for i := range page.Lines {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = appendLine(body, t.ID, &page.Lines[i]); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, json.RawMessage(append(body, ']')))
}

// rawOutput answers with the output as a terminal without colours shows it.
func (s *Server) rawOutput(c *call) error {
	t, err := c.oneTask()
	if err != nil {
		return err
	}
	return c.lines(t, "text/plain; charset=utf-8", "", "", func(b []byte, l *store.LogLine) ([]byte, error) {
		return append(append(b, job.StripANSI(l.Text)...), '\n'), nil
	})
}

// lines sends what a task has put out so far, page by page, so that the length
// of it does not matter.
func (c *call) lines(t store.Task, kind, begin, end string, write func(b []byte, l *store.LogLine) ([]byte, error)) error {
	page, err := c.s.pool.Output(c.ctx(), t.ProjectID, t.ID, 0, outputPage)
	if err != nil {
		return taskError(err, t.ID)
	}
	c.w.Header().Set("Content-Type", kind)
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return nil
	}
	w := bufio.NewWriterSize(c.w, outputBuffer)
	_, _ = w.WriteString(begin) // an error stays in w
	total, buf := page.Total, []byte(nil)
	for {
		for i := range page.Lines {
			if buf, err = write(buf[:0], &page.Lines[i]); err != nil {
				return c.broken(err)
			}
			if _, err := w.Write(buf); err != nil {
				return errGone
			}
		}
		next := page.Next
		if next >= total || len(page.Lines) == 0 && page.Damaged == 0 {
			break
		}
		c.patience()
		if page, err = c.s.pool.Output(c.ctx(), t.ProjectID, t.ID, next, outputPage); err != nil {
			return c.broken(err)
		}
	}
	_, _ = io.WriteString(w, end)
	if err := w.Flush(); err != nil {
		return errGone
	}
	return nil
}

// patience gives a client time for what comes next. Where the connection knows
// no deadline there is none to move.
func (c *call) patience() {
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(outputStalled))
}

// broken cuts the connection, so that a client does not take half a reply for
// the whole.
func (c *call) broken(err error) error {
	if c.ctx().Err() == nil {
		c.s.log.Error("reply broken off", slog.String("request_id", c.requestID), slog.Any("error", err))
	}
	panic(http.ErrAbortHandler) // net/http asks for just that
}

// appendLine writes a line as JSON.
func appendLine(b []byte, task int64, l *store.LogLine) ([]byte, error) {
	b = strconv.AppendInt(append(b, `{"id":`...), l.Number, 10)
	b = strconv.AppendInt(append(b, `,"task_id":`...), task, 10)
	b = l.Time.UTC().AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano)
	b, err := appendText(append(b, `","output":`...), l.Text)
	if err != nil {
		return nil, fmt.Errorf("encode line %d: %w", l.Number, err)
	}
	return append(b, `,"stage_id":null}`...), nil
}

// appendText writes a text as JSON, as encoding/json would. What is not ASCII
// is left to that.
func appendText(b []byte, text string) ([]byte, error) {
	begun := len(b)
	b = append(b, '"')
	done := 0
	for i := range len(text) {
		ch := text[i]
		if ch >= 0x7f {
			quoted, err := json.Marshal(text)
			return append(b[:begun], quoted...), err
		}
		if ch >= 0x20 && ch != '"' && ch != '\\' && ch != '<' && ch != '>' && ch != '&' {
			continue
		}
		b = append(b, text[done:i]...)
		done = i + 1
		if ch == '"' || ch == '\\' {
			b = append(b, '\\', ch)
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[ch>>4], hexDigits[ch&15])
		}
	}
	return append(append(b, text[done:]...), '"'), nil
}
