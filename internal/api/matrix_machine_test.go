package api_test

import (
	"strconv"

	"github.com/alexandervashurin/semaphore/job"
)

// Tokens that runners of the matrix have.
const (
	registrationToken = "canary-matrix-registration"
	runnerToken       = "canary-matrix-runner-of-44-characters-0123456"
)

func terraformExpectations() map[string]expect {
	const base = "P/inventory/{inventory}/terraform"
	const alias = `{"project_id":{p},"inventory_id":{workspace},"auth_key_id":{spare_key}}`
	basic := []string{"Authorization", basicAuth("git", hookSecret)}
	return map[string]expect{
		"GET " + base + "/aliases":            {ok: 200, in: "inventory=workspace"},
		"POST " + base + "/aliases":           {ok: 201, in: "inventory=workspace", body: alias},
		"GET " + base + "/aliases/{alias}":    {ok: 200, in: "inventory=workspace alias=state_alias"},
		"PUT " + base + "/aliases/{alias}":    {ok: 204, in: "inventory=workspace alias=state_alias", body: alias},
		"DELETE " + base + "/aliases/{alias}": {ok: 204, in: "inventory=workspace alias=state_alias"},
		"GET " + base + "/states":             {ok: 200, in: "inventory=workspace"},
		"GET " + base + "/states/latest":      {ok: 200, in: "inventory=workspace"},
		"GET " + base + "/states/{state}":     {ok: 200, in: "inventory=workspace"},
		"DELETE " + base + "/states/{state}":  {ok: 204, in: "inventory=workspace"},

		"GET /terraform/{alias}":    {ok: 200, in: "alias=state_alias", header: basic},
		"POST /terraform/{alias}":   {ok: 200, in: "alias=state_alias", header: basic, body: tfState(2)},
		"DELETE /terraform/{alias}": {ok: 200, in: "alias=state_alias", header: basic},
		"LOCK /terraform/{alias}":   {ok: 200, in: "alias=state_alias", header: basic, body: lockBody("a")},
		"UNLOCK /terraform/{alias}": {ok: 200, in: "alias=state_alias", header: basic, body: lockBody("a")},
	}
}

func runnerExpectations() map[string]expect {
	const place = `"name":"new","tag":"linux","webhook":"https://runner.example.org/hook","max_parallel_tasks":2`
	const runner = place + `,"active":true`
	const registration = `"registration_token":"` + registrationToken + `","name":"new","webhook":"","max_parallel_tasks":1`
	version := []string{job.RemoteVersionHeader, strconv.Itoa(job.RemoteVersion)}
	list := map[string]expect{
		"GET /runners":      {ok: 200},
		"GET P/runners":     {ok: 200},
		"GET P/runner_tags": {ok: 200},

		"POST /runners/enrollment":           {ok: 201, body: `{` + place + `,"project_id":{p},"expires_hours":1,"inactive":false}`},
		"POST /internal/runners":             {ok: 200, body: `{` + registration + `,"public_key":{rsa}}`},
		"DELETE /internal/runners":           {ok: 204, header: []string{"X-Runner-Token", runnerToken}},
		"POST /internal/runner/v1/enroll":    {ok: 200, header: version, body: `{` + registration + `,"public_key":"{box}"}`},
		"POST /internal/runner/v1/{call...}": {ok: 200, header: append(version, "Authorization", "Bearer "+runnerToken), body: `{"instance":"i","boot":"b","public_key":"{box}","version":"1","host":"h"}`},
	}
	for all, id := range map[string]string{"/runners": "any_runner", "P/runners": "runner"} {
		one, in := all+"/{runner}", "runner="+id
		list["POST "+all] = expect{ok: 201, body: `{` + runner + `,"public_key":{rsa}}`}
		list["GET "+one] = expect{ok: 200, in: in}
		list["PUT "+one] = expect{ok: 204, in: in, body: `{"id":{` + id + `},` + runner + `}`}
		list["POST "+one] = expect{ok: 204, in: in, body: `{"id":{` + id + `},` + runner + `}`}
		list["DELETE "+one] = expect{ok: 204, in: in}
		list["POST "+one+"/active"] = expect{ok: 204, in: in, body: `{"active":false}`}
		list["DELETE "+one+"/cache"] = expect{ok: 204, in: in}
	}
	return list
}
