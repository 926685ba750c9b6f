package api

import (
	"encoding/json"
	"net/http"

	"github.com/alexandervashurin/semaphore/auth"
)

func serverOperations() []operation {
	return tagged("Server", []operation{
		{route: "GET /ping", summary: "Tell whether the process answers", media: "text/plain"},
		{route: "GET /health", summary: "Tell whether the server can do its work", out: healthReply{}, also: map[int]any{http.StatusServiceUnavailable: healthReply{}}},
		{route: "GET /version", summary: "Tell the version", out: versionReply{}},
		{route: "GET /info", summary: "Tell what the server can do", out: infoReply{}},
		{route: "GET /metrics", summary: "Show figures for Prometheus", media: "text/plain"},
		{route: "GET /ws", summary: "Watch tasks by websocket", note: "Frames of type update tell of states, those of type log of lines. Without parameters everything that the caller may see.", status: http.StatusSwitchingProtocols,
			query: []parameter{{"project", "integer", "only this project"}, {"task", "integer", "only this task"}, {"batch", "string", "1: lines that come together are one frame of type logs"}, {"lines", "string", "0: no lines"}}},
		{route: "GET /openapi.json", summary: "Show this document for programs", out: json.RawMessage{}},
		{route: "GET /docs", summary: "Show this document for people", media: "text/html"},
	})
}

func signInOperations() []operation {
	return tagged("Sign-in", []operation{
		{route: "GET /auth/login", summary: "Tell what the sign-in page offers", out: loginFormReply{}},
		{route: "POST /auth/login", summary: "Open a session", note: "The cookie named semaphore is the session. Where a second factor is missing, other routes answer 401 with TOTP_REQUIRED or EMAIL_OTP_REQUIRED until /auth/verify has taken it.", in: loginInput{}},
		{route: "POST /auth/verify", summary: "Give the second factor of a session", note: "204 where there is nothing to verify.", in: passcodeInput{}, status: http.StatusOK, also: map[int]any{http.StatusNoContent: nil}},
		{route: "POST /auth/recovery", summary: "Give the recovery code in place of the second factor", note: "The second factor is gone afterwards.", in: recoveryInput{}},
		{route: "POST /auth/logout", summary: "End the session"},
		{route: "POST /auth/token", summary: "Get JSON web tokens", note: "For a login and its password, or for the session of the request where neither is sent.", in: tokenInput{}, out: auth.Pair{}},
		{route: "POST /auth/refresh", summary: "Change a refresh token for new tokens", in: refreshInput{}, out: auth.Pair{}},
		{route: "POST /auth/revoke", summary: "End the session of a refresh token", in: refreshInput{}},
		{route: "GET /auth/oidc/{provider}/login", summary: "Go to a provider of OpenID Connect", status: http.StatusTemporaryRedirect, also: map[int]any{http.StatusFound: nil},
			query: []parameter{{"return", "string", "the page to come back to"}}},
		{route: "GET /auth/oidc/{provider}/redirect", summary: "Come back from a provider", status: http.StatusTemporaryRedirect,
			query: []parameter{{"code", "string", "what the provider gave"}, {"state", "string", "what the sign-in began with"}}},
		{route: "GET /auth/oidc/{provider}/redirect/{path...}", summary: "Come back from a provider to a page", status: http.StatusTemporaryRedirect,
			query: []parameter{{"code", "string", "what the provider gave"}, {"state", "string", "what the sign-in began with"}}},
	})
}
