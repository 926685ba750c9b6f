package proc

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// supervisorName is what a supervisor is called as, and shown as by ps.
const supervisorName = "semaphore-supervise"

// protocol is raised with every change to order or event: a Helper may be of
// another version than the program.
const protocol = 1

// maxOrder bounds what a supervisor reads; the kernel takes far less as argv
// and environment.
const maxOrder = 64 << 20

// The descriptors of a supervisor, beside 0 to 2 which are the null device.
const (
	fdLife   = 3 // read: the order, then steps; its end means the parent died
	fdReport = 4 // write: events, one JSON value per line
	fdDrain  = 5 // read: the output, touched only when the parent is dead
	fdOutput = 6 // write: the output, closed once the tool has it
)

// order is what the parent wants done. It goes over the life line because argv
// and environment of a process can be read by others. What the system takes as
// bytes goes as base64: JSON would mend text that is no UTF-8.
type order struct {
	Version         int           `json:"version"`
	Path            []byte        `json:"path"`
	Args            [][]byte      `json:"args"`
	Env             [][]byte      `json:"env"`
	Dir             []byte        `json:"dir"`
	Style           StopStyle     `json:"style"`
	Grace           time.Duration `json:"grace"`
	User            *User         `json:"user,omitempty"`
	NoNewPrivileges bool          `json:"no_new_privileges,omitempty"`
	KeepBackground  bool          `json:"keep_background,omitempty"`
}

// The kinds of event, in the order they come. Either failed or the three from
// started on follow ready.
const (
	eventReady   = "ready"
	eventFailed  = "failed"
	eventStarted = "started"
	eventExited  = "exited"
	eventDone    = "done"
)

// event is what a supervisor reports.
type event struct {
	Kind      string   `json:"kind"`
	Errno     int      `json:"errno,omitempty"`     // failed: the system's error, or 0
	Text      string   `json:"text,omitempty"`      // failed: another error
	Code      int      `json:"code,omitempty"`      // exited
	Signal    string   `json:"signal,omitempty"`    // exited
	Killed    bool     `json:"killed,omitempty"`    // done
	Leftovers []string `json:"leftovers,omitempty"` // done
	Survivors []string `json:"survivors,omitempty"` // done
}

// newOrder returns what a supervisor needs of cfg.
func newOrder(cfg Config) order {
	return order{
		Version: protocol, Path: []byte(cfg.Path), Args: toBytes(cfg.Args), Env: toBytes(cfg.Env), Dir: []byte(cfg.Dir),
		Style: cfg.Style, Grace: cfg.Grace, User: cfg.User,
		NoNewPrivileges: cfg.NoNewPrivileges, KeepBackground: cfg.KeepBackground,
	}
}

func toBytes(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

func toStrings(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}

// writeOrder sends o as four bytes of length and JSON.
func writeOrder(w io.Writer, o order) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if len(body) > maxOrder {
		return errors.New("arguments and environment are too long")
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

// readOrder reads what writeOrder sent.
func readOrder(r io.Reader) (order, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return order{}, fmt.Errorf("read length: %w", err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxOrder {
		return order{}, errors.New("order is too long")
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return order{}, fmt.Errorf("read order: %w", err)
	}
	var o order
	if err := json.Unmarshal(body, &o); err != nil {
		return order{}, fmt.Errorf("decode order: %w", err)
	}
	if o.Version != protocol {
		return order{}, fmt.Errorf("helper speaks protocol %d, the program %d", protocol, o.Version)
	}
	return o, nil
}
