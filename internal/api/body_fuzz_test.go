package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzBodies sends anything to everything that takes a body of a resource: the
// server has an answer to it, and a refusal changes nothing.
func FuzzBodies(f *testing.F) {
	routes := [][2]string{
		{"POST", "/project/{p}/keys"}, {"PUT", "/project/{p}/keys/{key}"},
		{"POST", "/project/{p}/repositories"}, {"PUT", "/project/{p}/repositories/{repository}"},
		{"POST", "/project/{p}/inventory"}, {"PUT", "/project/{p}/inventory/{inventory}"},
		{"POST", "/project/{p}/environment"}, {"PUT", "/project/{p}/environment/{environment}"},
		{"POST", "/project/{p}/secret_storages"}, {"POST", "/project/{p}/known_hosts"}, {"POST", "/project/{p}/views"},
		{"POST", "/project/{p}/integrations"}, {"PUT", "/project/{p}/integrations/{hook}"},
		{"POST", "/project/{p}/integrations/{hook}/matchers"}, {"POST", "/project/{p}/integrations/{hook}/values"},
		{"POST", "/project/{p}/inventory/{workspace}/terraform/aliases"}, {"POST", ""}, {"LOCK", ""}, {"UNLOCK", ""}, {"PUT", "/project/{p}"},
	}
	for i := range routes {
		f.Add(uint8(i), `{`)
	}
	f.Add(uint8(0), `{"name":"n","type":"login_password","login_password":{"login":"a","password":"b"}}`)
	f.Add(uint8(4), `{"name":"n","type":"file","inventory":"a/b"}`)
	f.Add(uint8(6), `{"name":"n","json":"{\"a\":1}","env":"{\"A\":1}","secrets":[{"type":"env","name":"T","secret":"s","operation":"create"}]}`)
	f.Add(uint8(8), `{"name":"n","type":"local","params":{"url":1}}`)
	f.Add(uint8(9), `{"host":"h","key":"ssh-ed25519 AAAA"}`)
	f.Add(uint8(11), `{"name":"n","template_id":1,"task_params":{"environment":"{}","params":{},"secret":"{}"}}`)
	f.Add(uint8(13), `{"name":"n","match_type":"body","body_data_type":"json","method":"equals","key":"a.[0]","value":"v"}`)
	f.Add(uint8(14), `{"name":"n","value_source":"header","key":"A","variable":"a","variable_type":"task"}`)
	f.Add(uint8(16), tfState(1))
	f.Add(uint8(17), lockBody("one"))
	f.Fuzz(func(t *testing.T, n uint8, body string) {
		w := newWorld(t, options{idle: true})
		w.created("hook", "owner", integrations, `{"name":"hook","template_id":{template}}`)
		state := w.workspace(t)
		r := routes[int(n)%len(routes)]
		as, path, header := "owner", r[1], []string(nil)
		if path == "" {
			as, path, header = "", state, []string{"Authorization", basicAuth("git", hookSecret)}
		}
		before := w.dump()
		a := w.do(as, r[0], path, body, header...)
		require.Less(t, a.Status, 500, a.Body)
		if a.Status >= 400 {
			require.Equal(t, before, w.dump(), "a refusal changed the database")
		}
	})
}
