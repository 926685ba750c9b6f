package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pick chooses one of the lines that a fuzz target is about.
func pick(lines []line, n uint8) line { return lines[int(n)%len(lines)] }

// FuzzEveryBody sends anything to everything that reads a body, as somebody who
// may: the server has an answer to it, and a refusal writes nothing.
func FuzzEveryBody(f *testing.F) {
	for n := range uint8(8) {
		f.Add(n*16, `{"name":"n","type":"bash","project_id":1,"secrets":[{}],"params":{"limit":[1]}}`)
	}
	f.Add(uint8(3), `{"a":"\u0000"}`)
	f.Add(uint8(5), "[[[[")
	f.Fuzz(func(t *testing.T, n uint8, body string) {
		m := copyMatrix(t)
		l := pick(m.bodied(t), n)
		m.junk(t, l, m.text(l.by, l.target(l.params())), body)
	})
}

// FuzzQueries asks every route that only reads with anything behind the ?.
func FuzzQueries(f *testing.F) {
	for n := range uint8(6) {
		f.Add(n*20, "sort=name&order=desc&limit=2&after=x&status=waiting&since=2026-01-01&template_id=1&app=ansible&start=2026-01-01&s=a")
	}
	f.Add(uint8(40), "limit=-1&limit=%00;&&=%zz")
	f.Fuzz(func(t *testing.T, n uint8, query string) {
		if strings.ContainsAny(query, " #") || strings.ContainsFunc(query, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip("no request has such a line")
		}
		m := copyMatrix(t)
		var lines []line
		for _, l := range m.lines(t) {
			if l.reads() && l.path != "/ws" {
				lines = append(lines, l)
			}
		}
		l := pick(lines, n)
		before := m.snapshot()
		m.junk(t, l, m.text(l.by, l.target(l.params()))+"?"+query, "")
		m.unchanged(t, before)
	})
}

// FuzzCredentials comes with anything for a cookie and for a bearer: nobody is
// let in by it, and nothing fails.
func FuzzCredentials(f *testing.F) {
	f.Add("semaphore=MTY4|abc", "Bearer x")
	f.Add("semaphore=", "bearer ")
	f.Add("semaphore=1.a.b; semaphore=2", "Basic Z2l0OnB3")
	f.Add("x", "Bearer eyJhbGciOiJub25lIn0.e30.")
	f.Add("semaphore=\xff", "Bearer \xff\xfe")
	f.Fuzz(func(t *testing.T, cookie, authorization string) {
		m := copyMatrix(t)
		before := m.snapshot()
		for _, header := range [][]string{{"Cookie", cookie}, {"Authorization", authorization}, {"Cookie", cookie, "Authorization", authorization}} {
			a := m.send("nobody", http.MethodGet, "/user", "", header...)
			require.Equal(t, http.StatusUnauthorized, a.Status, a.Body)
			wantError(t, a)
		}
		m.unchanged(t, before)
	})
}

// FuzzWebhooks sends anything to the address of an integration that takes a
// value out of it, signed by nobody.
func FuzzWebhooks(f *testing.F) {
	f.Add("", "application/json", `{"ref":"main","commits":[{"id":1}]}`)
	f.Add("github", "application/json", `{"ref":`)
	f.Add("token", "text/plain", "\xff\x00")
	f.Add("basic", "application/x-www-form-urlencoded", "payload=%7B%22ref%22%3A1%7D")
	f.Fuzz(func(t *testing.T, method, kind, body string) {
		m := copyMatrix(t)
		known := map[string]string{"github": "", "bitbucket": "", "hmac": "X-Sign", "token": "X-Token", "basic": "", "": ""}
		header, ok := known[method]
		if !ok {
			t.Skip("no such method")
		}
		m.must(204, "owner", "PUT", "/project/{p}/integrations/{integration}",
			`{"id":{integration},"name":"hook","template_id":{template},"auth_method":"`+method+`","auth_secret_id":{key},"auth_header":"`+header+`","searchable":false}`)
		m.must(204, "owner", "PUT", "/project/{p}/integrations/{integration}/values/{value}",
			`{"id":{value},"name":"v","value_source":"body","body_data_type":"json","key":"ref","variable":"ref","variable_type":"environment"}`)
		tasks := m.tasks(t)
		a := m.send("nobody", http.MethodPost, m.text("", "/integrations/{hook}"), body, "Content-Type", kind, "X-Hub-Signature-256", "sha256="+kind, "X-Token", kind, "X-Sign", kind)
		require.Less(t, a.Status, 500, a.Body)
		if method != "" && kind != hookSecret {
			require.Equal(t, http.StatusUnauthorized, a.Status, a.Body)
			require.Equal(t, tasks, m.tasks(t), "a sender without the secret has started a task")
		}
	})
}
