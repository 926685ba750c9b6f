// Package texts has a text of each kind that the reader of texts knows.
package texts

import (
	"errors"
	"fmt"
	"log"
)

const lostReason = "runner lost"

var errInner = errors.New("broken: " + fmt.Sprint(1))

type event struct{ Description string }

type Event = event

type Answer struct{ Outcome string }

func invalid(field, format string, args ...any) error {
	return answer(400, field+": "+fmt.Sprintf(format, args...))
}

func answer(status int, text string) error { return fmt.Errorf("%d %s", status, text) }

func record(format string, args ...any) Event {
	return Event{Description: fmt.Sprintf(format, args...)}
}

func decide(name string, force bool) Event {
	word := "stopped"
	if force {
		word = "stopped by force"
	}
	log.Println("not a text of people")
	return record("Thing %q was %s", name, word)
}

func created(event, noun, name string) Event { return record(event, noun, name) }

func use() []any {
	_, what := end()
	return []any{
		invalid("name", "is 100%% wrong: use %s", "x"), created("%s %q created", "thing", "x"), Answer{Outcome: what}, errInner,
	}
}

func end() (int, string) { return 1, "ended: " + lostReason }

func explain(task string) string {
	if task == "" {
		return "waits no more"
	}
	return "waits for " + either(task)
}

func either(task string) string {
	if task == "now" {
		return "at once"
	}
	return task
}
