package crash

import (
	_ "embed" // the script
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Script is what the tasks run, with bash. It appends its events to the file
// that the environment names as [EventsEnv].
//
//go:embed testdata/task.sh
var Script []byte

// EventsEnv tells scripts the file of events, WhereEnv the program that runs
// them, where there are several.
const (
	EventsEnv = "CRASH_EVENTS"
	WhereEnv  = "CRASH_WHERE"
)

// Kind says what a script has done.
type Kind string

// The kinds.
const (
	Started Kind = "start"
	Ticked  Kind = "tick"
	Ended   Kind = "end"
	Aborted Kind = "aborted" // it was asked to stop, and has tidied up
)

// Event is one line of the event file: a script was alive at that moment.
type Event struct {
	Task    int64
	Attempt int
	Kind    Kind
	Marker  string // of the run, as its processes carry it
	At      time.Time
	Where   string // the program that ran it, where there are several
}

// ParseEvents reads a file of events. What stands behind the last line's end is
// still being written, and left out.
func ParseEvents(text string) ([]Event, error) {
	var list []Event
	for {
		line, rest, found := strings.Cut(text, "\n")
		if !found {
			return list, nil
		}
		e, err := parseEvent(line)
		if err != nil {
			return list, fmt.Errorf("event %q: %w", line, err)
		}
		list, text = append(list, e), rest
	}
}

func parseEvent(line string) (Event, error) {
	fields := strings.Split(line, ",")
	if len(fields) == 5 {
		fields = append(fields, "")
	}
	if len(fields) != 6 {
		return Event{}, fmt.Errorf("has %d fields", len(fields))
	}
	task, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return Event{}, err
	}
	attempt, err := strconv.Atoi(fields[1])
	if err != nil {
		return Event{}, err
	}
	micros, err := strconv.ParseInt(fields[4], 10, 64)
	return Event{Task: task, Attempt: attempt, Kind: Kind(fields[2]), Marker: fields[3], At: time.UnixMicro(micros), Where: fields[5]}, err
}

// Span is the life of one attempt's script, as far as its events tell.
type Span struct {
	Task    int64
	Attempt int
	Where   string
	Started int // how many events of that kind there are
	Ended   int
	Aborted int
	First   time.Time
	Last    time.Time
}

// Over tells whether the script has ended by itself or has tidied up.
func (s Span) Over() bool { return s.Ended+s.Aborted > 0 }

type attempt struct {
	task int64
	n    int
}

// Spans gathers events by attempt, in the order in which they began.
func Spans(events []Event) []Span {
	at := map[attempt]int{}
	var list []Span
	for _, e := range events {
		key := attempt{e.Task, e.Attempt}
		i, ok := at[key]
		if !ok {
			i = len(list)
			at[key] = i
			list = append(list, Span{Task: e.Task, Attempt: e.Attempt, Where: e.Where, First: e.At})
		}
		s := &list[i]
		s.Last = e.At
		switch e.Kind {
		case Started:
			s.Started++
		case Ended:
			s.Ended++
		case Aborted:
			s.Aborted++
		}
	}
	return list
}
