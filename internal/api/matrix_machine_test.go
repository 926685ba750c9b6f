package api_test

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
	const runner = `"name":"new","tag":"linux","webhook":"https://runner.example.org/hook","max_parallel_tasks":2,"active":true`
	list := map[string]expect{
		"GET /runners":      {ok: 200},
		"GET P/runners":     {ok: 200},
		"GET P/runner_tags": {ok: 200},

		"POST /runners/enrollment":           {ok: 201, body: `{` + runner + `,"project_id":{p},"expires_hours":1,"inactive":false}`},
		"POST /internal/runners":             {ok: 400, body: `{"registration_token":"wrong","name":"new","webhook":"","max_parallel_tasks":1,"public_key":{rsa}}`},
		"DELETE /internal/runners":           {ok: 401},
		"POST /internal/runner/v1/enroll":    {ok: 426, body: `{"registration_token":"wrong"}`},
		"POST /internal/runner/v1/{call...}": {ok: 426, body: `{}`},
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
