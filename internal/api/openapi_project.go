package api

import (
	"encoding/json"
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

func projectOperations() []operation {
	const one = "/project/{project}"
	return tagged("Projects", []operation{
		{route: "GET /projects", summary: "List the caller's projects", note: "Administrators see all, and may ask for pages.", out: []store.Project{}, query: listed(), headers: nextHeaders()},
		{route: "POST /projects", summary: "Create a project", note: "With its owner, a key of type none, a view of all templates and an empty variable group.", in: projectInput{}, out: store.Project{}, status: http.StatusCreated},
		{route: "POST /projects/restore", summary: "Make a project of a backup", note: "The body is the file, up to 64 MiB. Everything is checked first, and written as a whole or not at all. The member restore of the reply tells which keys need a value and what had to change.", in: json.RawMessage{}, out: restoreReply{}},
		{route: "GET " + one + "/backup", summary: "Back up a project", note: "A file in the form of Semaphore UI, without secrets. What that form cannot hold is in members called semaphore_go.", out: json.RawMessage{}},
		{route: "GET " + one, summary: "Show a project", out: store.Project{}},
		{route: "PUT " + one, summary: "Replace a project", in: projectInput{}},
		{route: "DELETE " + one, summary: "Delete a project with everything in it", note: "Unfinished tasks are in the way."},
		{route: "DELETE " + one + "/cache", summary: "Empty the caches of a project", note: "What is in use stays."},
		{route: "GET " + one + "/role", summary: "Tell what the caller may do", out: accessReply{}},
		{route: "POST " + one + "/notifications/test", summary: "Send a test notification on every channel"},
		{route: "GET " + one + "/events", summary: "List what happened, newest first", out: []store.Event{}, query: eventPages(), headers: nextHeaders()},
		{route: "GET " + one + "/events/last", summary: "List the newest events", out: []store.Event{}, query: eventPages(), headers: nextHeaders()},
		{route: "GET " + one + "/known_hosts", summary: "List the host keys that a project trusts", out: []store.KnownHost{}, query: listed(), headers: nextHeaders()},
		{route: "POST " + one + "/known_hosts", summary: "Trust a host key", in: knownHostInput{}, out: store.KnownHost{}, status: http.StatusCreated},
		{route: "GET " + one + "/known_hosts/{known_host}", summary: "Show a host key", out: store.KnownHost{}},
		{route: "DELETE " + one + "/known_hosts/{known_host}", summary: "Trust a host key no more", note: "The next one that is met is trusted where the project pins host keys."},
	})
}

func memberOperations() []operation {
	const one, invites = "/project/{project}", "/project/{project}/invites"
	return tagged("Members", []operation{
		{route: "GET " + one + "/users", summary: "List members", out: []memberItem{}, query: sorted()},
		{route: "POST " + one + "/users", summary: "Add a member", in: memberInput{}},
		{route: "GET " + one + "/users/{user}", summary: "Show a member", note: "The address is for those who manage members.", out: memberReply{}},
		{route: "PUT " + one + "/users/{user}", summary: "Change the role of a member", in: memberInput{}},
		{route: "DELETE " + one + "/users/{user}", summary: "Remove a member"},
		{route: "DELETE " + one + "/me", summary: "Leave a project"},
		{route: "GET " + one + "/roles/all", summary: "List the roles that members may have beside the built-in ones", out: []store.Role{}},
		{route: "GET " + invites, summary: "List invitations", out: []inviteReply{}},
		{route: "POST " + invites, summary: "Invite somebody", note: "The url of the reply accepts the invitation. It is shown this once.", in: inviteInput{}, out: inviteReply{}, status: http.StatusCreated},
		{route: "GET " + invites + "/{invite}", summary: "Show an invitation", out: inviteReply{}},
		{route: "DELETE " + invites + "/{invite}", summary: "Take an invitation back"},
	}, roleOperations(one+"/roles", "the roles of a project", "a role of a project"))
}

func roleOperations(all, many, single string) []operation {
	one := all + "/{role}"
	return []operation{
		{route: "GET " + all, summary: "List " + many, out: []store.Role{}},
		{route: "POST " + all, summary: "Create " + single, note: "Permissions are the sum of 1 (run tasks), 2 (update the project), 4 (manage its resources) and 8 (manage its members).", in: roleInput{}, out: store.Role{}, status: http.StatusCreated},
		{route: "GET " + one, summary: "Show " + single, out: store.Role{}},
		{route: "PUT " + one, summary: "Replace " + single, in: roleInput{}},
		{route: "POST " + one, summary: "Replace " + single + ", the same as PUT", in: roleInput{}},
		{route: "DELETE " + one, summary: "Delete " + single},
	}
}

func runnerOperations() []operation {
	const project = "/project/{project}"
	return tagged("Runners", []operation{
		{route: "GET /runners", summary: "List all runners", out: []store.Runner{}, query: listed(), headers: nextHeaders()},
		{route: "GET " + project + "/runners", summary: "List the runners of a project", out: []store.Runner{}, query: listed(), headers: nextHeaders()},
		{route: "POST /runners/enrollment", summary: "Make a place for a runner", note: "The token registers one runner, once, until it expires, and is shown this once.", in: enrollmentInput{}, out: enrollmentReply{}, status: http.StatusCreated},
		{route: "POST /internal/runners", summary: "Register a runner", note: "By the registration token of the configuration. An administrator has to switch the runner on.", in: registrationInput{}, out: registrationReply{}},
		{route: "DELETE /internal/runners", summary: "Remove the runner whose token is the header X-Runner-Token"},
		{route: "POST /internal/runner/v1/enroll", summary: "Register a runner, as runners do", note: "By the registration token of the configuration, or by one of /runners/enrollment.", in: registrationInput{}, out: registrationReply{}},
		{route: "POST /internal/runner/v1/{call...}", summary: "Serve a runner", note: "docs/runner-protocol.md describes the calls.", in: json.RawMessage{}, out: json.RawMessage{}, also: map[int]any{http.StatusNoContent: nil}},
		{route: "GET " + project + "/runner_tags", summary: "List the tags that templates may ask for", out: []runnerTag{}},
	}, runnerTableOperations("/runners", "a runner of all projects"), runnerTableOperations(project+"/runners", "a runner of a project"))
}

func runnerTableOperations(all, single string) []operation {
	one := all + "/{runner}"
	return []operation{
		{route: "POST " + all, summary: "Create " + single, note: "Token and private key are shown this once.", in: runnerInput{}, out: newRunner{}, status: http.StatusCreated},
		{route: "GET " + one, summary: "Show " + single, out: store.Runner{}},
		{route: "PUT " + one, summary: "Replace " + single, in: runnerInput{}},
		{route: "POST " + one, summary: "Replace " + single + ", the same as PUT", in: runnerInput{}},
		{route: "DELETE " + one, summary: "Delete " + single},
		{route: "POST " + one + "/active", summary: "Switch on or off " + single, in: activeInput{}},
		{route: "DELETE " + one + "/cache", summary: "Empty the caches of " + single, note: "When it is heard of next."},
	}
}
