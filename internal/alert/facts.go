package alert

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// Events, as the webhook calls them.
const (
	EventSuccess     = "success"
	EventRecovered   = "recovered" // a success, after an error of the same template
	EventError       = "error"
	EventConfirm     = "waiting_confirmation"
	EventUnreachable = "unreachable" // its worker has not been heard of
	EventLate        = "late"        // something arrived after the task's end
	EventTest        = "test"
)

const nobody = "—"

// chainMost bounds how far deploys of deploys are followed to their build.
const chainMost = 20

// facts are what channels tell.
type facts struct {
	event    string
	status   store.Status // when it happened
	task     store.Task
	project  store.Project
	template store.Template
	author   string // name, or a dash
	version  string // of a build, or "build 1.2" for a deploy; may be empty
	url      string // of the task in the web UI
	delivery string // the same for each repetition
}

// label is the status for people.
func (f facts) label() string {
	switch f.event {
	case EventRecovered:
		return "✅ SUCCESS (RECOVERED)"
	case EventSuccess, EventTest:
		return "✅ SUCCESS"
	case EventError:
		return "❌ ERROR"
	case EventUnreachable:
		return "⚠️ UNREACHABLE"
	case EventLate:
		return "⚠️ LATE RESULT AFTER " + strings.ToUpper(string(f.status))
	default:
		return "⏸️ " + strings.ToUpper(string(f.status))
	}
}

// gather reads what an alert does not hold. What was deleted meanwhile is named
// by its number.
func (a *Alerter) gather(ctx context.Context, al pool.Alert, event string) (facts, error) {
	t := al.Task
	f := facts{event: event, status: al.Status, task: t, project: al.Project, author: nobody, url: a.link(t)}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%s/%s/%d/%d", t.ProjectID, t.ID, al.Kind, al.Status, t.Attempt, t.Created.UnixNano()))
	f.delivery = hex.EncodeToString(sum[:16])
	var err error
	if f.template, err = a.cfg.Store.Templates().Get(ctx, t.ProjectID, t.TemplateID); errors.Is(err, store.ErrNotFound) {
		f.template = store.Template{ID: t.TemplateID, Name: fmt.Sprintf("template %d", t.TemplateID)}
	} else if err != nil {
		return f, fmt.Errorf("template of task: %w", err)
	}
	if t.UserID != nil {
		switch u, err := a.cfg.Store.Users().Get(ctx, 0, *t.UserID); {
		case err == nil:
			f.author = u.Name
		case !errors.Is(err, store.ErrNotFound):
			return f, fmt.Errorf("author of task: %w", err)
		}
	}
	if f.version, err = a.version(ctx, t); err != nil {
		return f, fmt.Errorf("version of task: %w", err)
	}
	if event == EventSuccess {
		failed, err := a.failedBefore(ctx, t)
		if err != nil {
			return f, fmt.Errorf("task before: %w", err)
		}
		if failed {
			f.event = EventRecovered
		}
	}
	return f, nil
}

// sample is what a test tells.
func (a *Alerter) sample(project store.Project) facts {
	t := store.Task{ProjectID: project.ID, Status: store.Success, Message: "This is a test."}
	return facts{
		event: EventTest, status: store.Success, task: t, project: project, author: nobody, url: a.link(t),
		template: store.Template{ProjectID: project.ID, Name: "Test Notification"}, delivery: strings.ToLower(rand.Text()),
	}
}

func (a *Alerter) link(t store.Task) string {
	return fmt.Sprintf("%s/project/%d/templates/%d?t=%d", a.cfg.WebHost, t.ProjectID, t.TemplateID, t.ID)
}

// version is the task's own, or that of the build which it deploys.
func (a *Alerter) version(ctx context.Context, t store.Task) (string, error) {
	if t.Version != nil {
		return *t.Version, nil
	}
	for range chainMost {
		if t.BuildTaskID == nil {
			break
		}
		build, err := a.cfg.Store.Tasks().Get(ctx, t.ProjectID, *t.BuildTaskID)
		if errors.Is(err, store.ErrNotFound) {
			break
		}
		if err != nil {
			return "", err
		}
		if build.Version != nil {
			return "build " + *build.Version, nil
		}
		t = build
	}
	return "", nil
}

// failedBefore tells whether the task before, of the same template, has failed.
// One that was stopped says nothing about the template, and is passed over.
func (a *Alerter) failedBefore(ctx context.Context, t store.Task) (bool, error) {
	filter := store.TaskFilter{
		ProjectID: t.ProjectID, TemplateID: t.TemplateID, Statuses: []store.Status{store.Success, store.Failed},
		Before: t.Created.Add(time.Second), Limit: 20, // some may have been made within the same tick of the clock
	}
	for {
		page, err := a.cfg.Store.Tasks().List(ctx, filter)
		if err != nil {
			return false, err
		}
		for _, other := range page.Items {
			if other.ID < t.ID {
				return other.Status == store.Failed, nil
			}
		}
		if filter.After = page.Next; filter.After == "" {
			return false, nil
		}
	}
}
