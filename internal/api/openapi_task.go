package api

import (
	"net/http"
	"time"

	"github.com/alexandervashurin/semaphore/store"
)

func templateFilter() []parameter {
	return []parameter{{"app", "string", "only templates of this app"}}
}

func templateOperations() []operation {
	const all, one = "/project/{project}/templates", "/project/{project}/templates/{template}"
	const workspace, perms = one + "/inventory/{inventory}", one + "/perms"
	templates := rowOps{all: all, one: one, many: "the templates", single: "a template", list: []store.Template{}, row: store.Template{}, in: templateInput{}, query: templateFilter(), refs: true}
	return tagged("Templates", templates.operations(), []operation{
		{route: "PUT " + one + "/description", summary: "Describe a template", in: descriptionInput{}},
		{route: "POST " + one + "/stop_all_tasks", summary: "Stop all tasks of a template", in: stopInput{}, optIn: true},
		{route: "POST " + workspace + "/set_default", summary: "Choose the workspace that tasks use"},
		{route: "POST " + workspace + "/attach", summary: "Attach a workspace to a template"},
		{route: "POST " + workspace + "/detach", summary: "Detach a workspace from a template"},
		{route: "GET " + perms, summary: "List what roles may do with a template beside their rights", out: []store.TemplateRole{}},
		{route: "POST " + perms, summary: "Give a role rights on a template", in: permInput{}, out: store.TemplateRole{}, status: http.StatusCreated},
		{route: "GET " + perms + "/{perm}", summary: "Show what a role may do with a template", out: store.TemplateRole{}},
		{route: "PUT " + perms + "/{perm}", summary: "Change what a role may do with a template", in: permInput{}},
		{route: "DELETE " + perms + "/{perm}", summary: "Take a role's rights on a template away"},
		{route: "GET " + one + "/tasks", summary: "List the tasks of a template, newest first", out: []store.TaskWithTemplate{}, query: taskFilters(), headers: nextHeaders()},
		{route: "GET " + one + "/tasks/last", summary: "List the newest tasks of a template", out: []store.TaskWithTemplate{}, query: taskFilters(), headers: nextHeaders()},
		{route: "GET " + one + "/stats", summary: "Count the tasks of a template by day", out: []taskStat{}, query: statFilters()},
	})
}

// outputLine is a line as appendLine writes it.
type outputLine struct {
	ID      int64     `json:"id"` // its number
	TaskID  int64     `json:"task_id"`
	Time    time.Time `json:"time"`
	Output  string    `json:"output"`
	StageID *int64    `json:"stage_id"`
}

func taskFilters() []parameter {
	return []parameter{
		{"limit", "integer", "how many at most"},
		{"after", "string", "the X-Next-Cursor of the page before"},
		{"status", "string", "only tasks in this state; several with commas"},
		{"template_id", "integer", "only tasks of this template"},
		{"user_id", "integer", "only tasks that this user started"},
		{"schedule_id", "integer", "only tasks of this schedule"},
		{"search", "string", "a part of the message, the version, the commit or the name of the template"},
		{"since", "string", "only tasks made since this day or time"},
		{"before", "string", "only tasks made before this day or time"},
		{"oldest", "boolean", "the oldest first. Defaults to false."},
	}
}

func statFilters() []parameter {
	return []parameter{
		{"start", "string", "the first day, as 2026-01-31. Defaults to a year ago."},
		{"end", "string", "the last day"},
		{"user_id", "integer", "only tasks that this user started"},
		{"timezone", "string", "whose days are meant, as Europe/Berlin. Defaults to UTC."},
	}
}

func taskOperations() []operation {
	const all, one = "/project/{project}/tasks", "/project/{project}/tasks/{task}"
	return tagged("Tasks", []operation{
		{route: "POST " + all, summary: "Start a task", note: "environment, secret and arguments are JSON as text. What the template does not allow to override is refused.", in: taskInput{}, out: store.Task{}, status: http.StatusCreated},
		{route: "GET " + all, summary: "List tasks, newest first", out: []store.TaskWithTemplate{}, query: taskFilters(), headers: nextHeaders()},
		{route: "GET " + all + "/last", summary: "List the newest tasks, at most 200", out: []store.TaskWithTemplate{}, query: taskFilters(), headers: nextHeaders()},
		{route: "GET " + all + "/counts", summary: "Count the tasks in each state", note: "With the filters of the list.", out: map[store.Status]int{}, query: taskFilters()},
		{route: "GET " + all + "/recent", summary: "List the newest tasks of each template, newest first", out: []recentTasks{}, query: []parameter{{"limit", "integer", "how many of a template, 1 to 50. Defaults to 10."}}},
		{route: "GET " + one, summary: "Show a task", note: "A task that is not there is 400.", out: shownTask{}},
		{route: "DELETE " + one, summary: "Delete a task that has ended", note: "For administrators; 401 to others."},
		{route: "POST " + one + "/stop", summary: "Stop a task", note: "Gently, as its app wants it; with force at once.", in: stopInput{}, optIn: true},
		{route: "POST " + one + "/confirm", summary: "Confirm the plan of a task"},
		{route: "POST " + one + "/reject", summary: "Reject the plan of a task"},
		{route: "POST " + one + "/retry", summary: "Start a task again", note: "Secret survey values ended with the task: send them again.", in: retryInput{}, optIn: true, out: store.Task{}, status: http.StatusCreated},
		{route: "GET " + one + "/queue", summary: "Tell where a task stands in the queue, and why", out: placeReply{}},
		{route: "GET " + one + "/stages", summary: "List the stages of a task", out: []store.Stage{}},
		{route: "GET " + one + "/ansible/hosts", summary: "List the hosts of Ansible's recap", out: []store.AnsibleHost{}},
		{route: "GET " + one + "/ansible/errors", summary: "List the failures in Ansible's output", out: []store.AnsibleError{}},
		{route: "GET " + one + "/output", summary: "Show the output of a task", note: "All of it; with from or limit a page.", out: []outputLine{},
			query:   []parameter{{"from", "integer", "the number of the first line"}, {"limit", "integer", "how many lines at most, up to 20000"}},
			headers: map[string]string{"X-Next": "what to send as from for the next page", "X-Total-Count": "how many lines there are"}},
		{route: "GET " + one + "/raw_output", summary: "Show the output of a task as plain text", note: "Without colours.", media: "text/plain"},
		{route: "GET " + one + "/stream", summary: "Follow the output of a task", note: "Server-sent events, one for each line, whose id is the number of the line; the event end tells that the task has ended. Last-Event-ID goes on behind a line.", media: "text/event-stream",
			query: []parameter{{"from", "integer", "the number of the first line"}}},
		{route: "GET /project/{project}/stats", summary: "Count the tasks of a project by day", out: []taskStat{}, query: statFilters()},
	})
}

func scheduleOperations() []operation {
	const all, one = "/project/{project}/schedules", "/project/{project}/schedules/{schedule}"
	return tagged("Schedules", []operation{
		{route: "GET " + all, summary: "List the schedules that go by the clock", note: "Without the parameters of their tasks.", out: []namedSchedule{}, query: append(listed(), parameter{"with_commits", "boolean", "those that watch a repository too. Defaults to false."}), headers: nextHeaders()},
		{route: "POST " + all, summary: "Create a schedule", note: "With cron_format it goes by the clock, with type run_at and a time it runs once, with repository_id whenever the branch has moved when the clock says to look.", in: scheduleInput{}, out: store.Schedule{}, status: http.StatusCreated},
		{route: "POST " + all + "/validate", summary: "Check a schedule, and tell when it would fire", note: "With n the reply tells the next times of a schedule as it is in the form, else it is empty.", in: cronInput{}, out: forecast{}, optOut: true, status: http.StatusOK},
		{route: "GET /project/{project}/calendar", summary: "Tell day by day when schedules fire and what became of them", note: "Of the days to come the runs of active schedules that go by the clock, of the days gone the tasks that schedules started. A schedule that fires often has one line for each day.", out: calendarReply{}, query: []parameter{
			{"from", "string", "the first day, as 2026-01-31. Defaults to today."}, {"days", "integer", "how many days, up to 45. Defaults to 7."}, {"timezone", "string", "whose days they are. Defaults to UTC."}}},
		{route: "GET " + one, summary: "Show a schedule", out: store.Schedule{}},
		{route: "PUT " + one, summary: "Replace a schedule", in: scheduleInput{}},
		{route: "DELETE " + one, summary: "Delete a schedule"},
		{route: "PUT " + one + "/active", summary: "Switch a schedule on or off", in: switchInput{}},
		{route: "GET " + one + "/next", summary: "List the next times at which a schedule fires", out: []time.Time{}, query: []parameter{{"n", "integer", "how many, up to 100. Defaults to 5."}}},
		{route: "POST " + one + "/run", summary: "Start the task of a schedule now", out: store.Task{}, status: http.StatusCreated},
		{route: "GET /project/{project}/templates/{template}/schedules", summary: "List the schedules of a template that watch a repository", out: []namedSchedule{}},
	})
}
