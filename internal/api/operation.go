package api

import (
	"net/http"
	"slices"

	"github.com/alexandervashurin/semaphore/store"
)

// operation describes a route for people and machines.
type operation struct {
	route   string // method and path, as in the table of routes
	tag     string // Set by tagged.
	summary string
	note    string      // what else there is to know. Optional.
	in      any         // a value of the type of the body; nil for none
	optIn   bool        // the body may be left out
	out     any         // a value of the type of the reply; nil for none
	optOut  bool        // the reply may be empty, which x-may-be-empty says
	or      any         // another type that it may have. Optional.
	status  int         // of success. Defaults to 204 without a reply, 200 with one.
	also    map[int]any // further statuses with the types of their bodies, nil for none
	query   []parameter
	headers map[string]string // of the reply
	media   string            // of the reply. Defaults to application/json.
}

// success is the status of a request that worked.
func (op operation) success() int {
	switch {
	case op.status != 0:
		return op.status
	case op.out == nil && op.media == "":
		return http.StatusNoContent
	default:
		return http.StatusOK
	}
}

// parameter is one of the query.
type parameter struct{ name, kind, what string }

// Parameters that several routes share.
func sorted() []parameter {
	return []parameter{{"sort", "string", "the member to sort by"}, {"order", "string", "asc or desc"}}
}

func paged() []parameter {
	return []parameter{
		{"limit", "integer", "how many at most, up to 1000; without limit and after, all"},
		{"after", "string", "the X-Next-Cursor of the page before"},
	}
}

func eventPages() []parameter {
	return []parameter{
		{"limit", "integer", "how many at most, up to 1000"},
		{"after", "string", "the X-Next-Cursor of the page before"},
		{"search", "string", "a part of the description"},
	}
}

func listed() []parameter {
	return slices.Concat(sorted(), paged(), []parameter{{"search", "string", "a part of the name"}})
}

// nextHeaders are those of a list that comes in pages.
func nextHeaders() map[string]string {
	return map[string]string{
		"X-Next-Cursor": "what to send as after for the next page; missing on the last one",
		"Link":          "the address of the next page",
	}
}

// rowOps describes the routes of a [resource].
type rowOps struct {
	all, one     string // paths
	many, single string // nouns with their article: "the keys", "a key"
	list, row    any
	in           any
	query        []parameter // of the list, beside the usual ones
	post         int         // status. Defaults to 201.
	put          any         // reply. Defaults to none.
	refs         bool
}

func (r rowOps) operations() []operation {
	post := r.post
	if post == 0 {
		post = http.StatusCreated
	}
	list := []operation{
		{route: "GET " + r.all, summary: "List " + r.many, out: r.list, query: append(listed(), r.query...), headers: nextHeaders()},
		{route: "POST " + r.all, summary: "Create " + r.single, in: r.in, out: r.row, status: post},
		{route: "GET " + r.one, summary: "Show " + r.single, out: r.row},
		{route: "PUT " + r.one, summary: "Replace " + r.single, in: r.in, out: r.put},
		{route: "DELETE " + r.one, summary: "Delete " + r.single},
	}
	if r.refs {
		list = append(list, operation{route: "GET " + r.one + "/refs", summary: "List what uses " + r.single, out: store.References{}})
	}
	return list
}

// section is a chapter of the document.
type section struct{ name, what string }

// sections are the chapters in their order.
func sections() []section {
	return []section{
		{"Server", "What runs here, and how it is."},
		{"Sign-in", "Sessions for browsers, JSON web tokens for programs, second factors."},
		{"Account", "The caller: tokens, sessions, invitations, events."},
		{"Users", "Accounts, their passwords and second factors."},
		{"Projects", "A project holds everything else together."},
		{"Members", "Who belongs to a project, as what; roles and invitations."},
		{"Keys", "SSH keys, logins and other secrets. Their content goes in and never comes out."},
		{"Repositories", "Where the code of tasks comes from."},
		{"Inventories", "Ansible's hosts, and workspaces of Terraform."},
		{"Terraform states", "States of workspaces that are kept here."},
		{"Variable groups", "Variables of tasks, in clear and secret."},
		{"Secret storages", "Places outside that keep secrets."},
		{"Views", "Tabs of the list of templates."},
		{"Templates", "What can be run."},
		{"Tasks", "Runs of templates: start, watch, stop, confirm."},
		{"Schedules", "Tasks by the clock, and by commits."},
		{"Integrations", "Webhooks that start tasks."},
		{"Runners", "Machines that take tasks."},
		{"Administration", "For administrators of the whole server."},
	}
}

// tagged puts operations into a section.
func tagged(tag string, lists ...[]operation) []operation {
	all := slices.Concat(lists...)
	for i := range all {
		all[i].tag = tag
	}
	return all
}

// operations describe the routes. Tests hold the two tables and the replies of
// the handlers together.
func operations() []operation {
	return slices.Concat(
		serverOperations(), signInOperations(), accountOperations(), userOperations(),
		projectOperations(), memberOperations(), storeOperations(), terraformOperations(),
		templateOperations(), taskOperations(), scheduleOperations(), integrationOperations(), runnerOperations(), adminOperations(),
	)
}
