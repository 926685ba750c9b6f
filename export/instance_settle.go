package export

import (
	"strings"

	"github.com/alexandervashurin/semaphore/store"
)

// Reasons of tasks that had not ended.
const (
	movedRunning = "moved while running"
	movedWaiting = "moved before it ran"
)

// unlockOptions begins the names of options by which a command tells the servers
// that an account may sign in again.
const unlockOptions = "auth.unlock."

// settler makes records what they are in an archive: nothing in it runs, waits
// or is held by anybody.
type settler struct {
	o     InstanceOptions
	now   int64
	ended int64
}

// settle tells whether the record goes into the archive, and changes it.
func (s *settler) settle(r store.Record) bool {
	switch r.Table {
	case "terraform_state_lock", "task_bundle", "outbox":
		return false
	case "option":
		v, _ := r.Value("key")
		name, _ := v.(string)
		return !strings.HasPrefix(name, store.NodeOptions) && !strings.HasPrefix(name, store.SummonOptions) && !strings.HasPrefix(name, unlockOptions)
	case "task":
		s.task(r)
	case "task_attempt":
		r.Set("finished", true)
	case "template":
		if s.o.NoTasks {
			r.Set("tasks", int64(0))
		}
	case "known_host":
		if s.o.NoTasks {
			r.Set("task_id", nil)
		}
	}
	return true
}

func (s *settler) task(r store.Record) {
	if s.o.NoLogs {
		r.Set("log_lines", int64(0))
		r.Set("log_bytes", int64(0))
	}
	v, _ := r.Value("status")
	text, _ := v.(string)
	status := store.Status(text)
	if status.Finished() {
		return
	}
	s.ended++
	if status.Leased() {
		r.Set("status", string(store.Failed))
		r.Set("reason", movedRunning)
	} else {
		r.Set("status", string(store.Stopped))
		r.Set("reason", movedWaiting)
	}
	r.Set("end", s.now)
	r.Set("unreachable", false)
	r.Set("secrets", nil)
	r.Set("confirm_before", nil)
	r.Set("prompt", "")
	r.Set("stop_level", "")
	for _, name := range []string{"lease_owner", "lease_id"} {
		r.Set(name, "")
	}
	for _, name := range []string{"lease_until", "lease_renewed"} {
		r.Set(name, int64(0))
	}
}
