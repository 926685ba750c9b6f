package api

import (
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

func adminOperations() []operation {
	return tagged("Administration", []operation{
		{route: "GET /tasks", summary: "List the unfinished tasks of all projects", out: []activeTask{}, query: []parameter{{"after", "string", "the X-Next-Cursor of the page before"}}, headers: nextHeaders()},
		{route: "GET /tasks/counts", summary: "Count the unfinished tasks of all projects by state", out: map[store.Status]int{}},
		{route: "GET /tasks/{task}", summary: "List the unfinished tasks of all projects, the same as without an id", out: []activeTask{}, query: []parameter{{"after", "string", "the X-Next-Cursor of the page before"}}, headers: nextHeaders()},
		{route: "DELETE /tasks/{task}", summary: "Stop a task of any project"},
		{route: "DELETE /cache", summary: "Empty the caches of all projects", note: "What is in use stays."},
		{route: "POST /drain", summary: "Take no more tasks on the server that answers", note: "What runs there goes on, and everything else is served. {\"drain\":false} takes it back. The body may be left out.", in: drainInput{}, out: drainReply{}, status: http.StatusOK},
		{route: "POST /debug/gc", summary: "Run the garbage collector"},
		{route: "POST /debug/pprof/dump", summary: "Write a heap profile", note: "Into the directory debugging.pprof_dump_dir."},
		{route: "GET /subscription", summary: "Ask for a subscription", note: "404 always: everything is included."},
		{route: "POST /subscription", summary: "Activate a subscription", note: "404 always: everything is included."},
		{route: "DELETE /subscription", summary: "Forget a subscription", note: "404 always: everything is included."},
		{route: "POST /subscription/refresh", summary: "Renew a subscription", note: "404 always: everything is included."},
		{route: "GET /options", summary: "Show the settings that were changed here", out: map[string]string{}},
		{route: "POST /options", summary: "Change a setting", note: "It goes over the configuration file from the next start on, those of apps at once. An empty value forgets it.", in: optionInput{}, out: optionReply{}},
		{route: "GET /apps", summary: "List the apps that templates may name", out: []App{}},
		{route: "GET /apps/{app}", summary: "Show an app", out: App{}},
		{route: "PUT /apps/{app}", summary: "Replace what is said about an app, or add one", in: App{}},
		{route: "POST /apps/{app}", summary: "Replace what is said about an app, or add one, the same as PUT", in: App{}},
		{route: "DELETE /apps/{app}", summary: "Forget what was said about an app", note: "A built-in one stays, as it was."},
		{route: "POST /apps/{app}/active", summary: "Switch an app on or off", in: activeInput{}},
	}, roleOperations("/roles", "the roles of all projects", "a role of all projects"))
}
