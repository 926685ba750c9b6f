package api

import (
	"net/http"

	"github.com/alexandervashurin/semaphore/store"
)

func accountOperations() []operation {
	return tagged("Account", []operation{
		{route: "GET /user", summary: "Show the caller's account", out: selfReply{}},
		{route: "GET /user/tokens", summary: "List the caller's API tokens", note: "The id of each is its first 8 characters.", out: []store.APIToken{}},
		{route: "POST /user/tokens", summary: "Create an API token", note: "The id of the reply is the token. It is shown this once.", in: newTokenInput{}, optIn: true, out: store.APIToken{}, status: http.StatusCreated},
		{route: "DELETE /user/tokens/{token}", summary: "Revoke an API token", note: "Named as a whole or by its first 8 characters."},
		{route: "GET /events", summary: "List the events that the caller may see, newest first", out: []store.Event{}, query: eventPages(), headers: nextHeaders()},
		{route: "GET /events/last", summary: "List the newest events that the caller may see", out: []store.Event{}, query: eventPages(), headers: nextHeaders()},
		{route: "GET /invites", summary: "List the invitations of the caller", out: []inviteReply{}},
		{route: "POST /invites/accept", summary: "Accept an invitation", note: "By the token of its link, or by its id where it names the user.", in: answerInput{}, out: acceptedReply{}},
		{route: "POST /invites/decline", summary: "Decline an invitation", in: answerInput{}},
	}, sessionOperations("/user/sessions", "the caller"))
}

func sessionOperations(path, who string) []operation {
	return []operation{
		{route: "GET " + path, summary: "List where " + who + " is signed in", out: []sessionReply{}},
		{route: "DELETE " + path, summary: "End all sessions of " + who + " but the one that asks"},
		{route: "DELETE " + path + "/{session}", summary: "End a session of " + who},
	}
}

func userOperations() []operation {
	const totp = "/users/{user}/2fas/totp"
	return tagged("Users", []operation{
		{route: "GET /users", summary: "List accounts", note: "Administrators see them whole, others names alone.", out: []userReply{}, or: []minimalUser{},
			query: append(listed(), parameter{"s", "string", "what the username begins with"}), headers: nextHeaders()},
		{route: "POST /users", summary: "Create an account", in: userInput{}, out: userReply{}, status: http.StatusCreated},
		{route: "GET /users/{user}", summary: "Show an account", note: "Whole to itself and to administrators; to others its names, all else empty.", out: userReply{}},
		{route: "PUT /users/{user}", summary: "Replace an account", in: userInput{}},
		{route: "DELETE /users/{user}", summary: "Delete an account"},
		{route: "POST /users/{user}/password", summary: "Set a password", note: "All other sessions of the account end.", in: passwordInput{}},
		{route: "POST " + totp, summary: "Set up a second factor", note: "It counts once a code has confirmed it. Its secret is shown this once.", out: newTOTP{}},
		{route: "GET " + totp + "/{totp}/qr", summary: "Show the picture for the app", note: "Until the second factor is confirmed.", media: "image/png"},
		{route: "POST " + totp + "/{totp}/verify", summary: "Confirm a second factor", in: passcodeInput{}},
		{route: "DELETE " + totp + "/{totp}", summary: "Remove a second factor"},
	}, sessionOperations("/users/{user}/sessions", "a user"))
}
