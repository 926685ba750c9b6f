package api_test

func templateExpectations() map[string]expect {
	const template = `"project_id":{p},"name":"new","app":"ansible","playbook":"site.yml","inventory_id":{inventory},"repository_id":{repository},"environment_id":{environment},
		"type":"deploy","build_template_id":{build},"autorun":true,"arguments":"[\"--flush-cache\"]","description":"d","git_branch":"main","view_id":{view},"start_version":null,
		"allow_override_args_in_task":true,"allow_override_branch_in_task":true,"allow_parallel_tasks":true,"suppress_success_alerts":true,"runner_tag":"linux",
		"survey_vars":[{"name":"ver","title":"Version","required":true,"type":"enum","description":"d","values":[{"name":"one","value":"1"}],"default_value":"1"}],
		"vaults":[{"name":null,"type":"password","vault_key_id":{key}},{"name":"s","type":"script","script":"v-client.py"}],
		"task_params":{"allow_debug":true,"allow_override_inventory":true,"allow_override_limit":true,"limit":["web"],"tags":[],"skip_tags":["x"]},
		"options":{"timeout_seconds":60,"max_retries":1,"retention":{"days":3}}`
	const perm = `"role_slug":"{role}","permissions":5`
	return map[string]expect{
		"GET P/templates":                            {ok: 200},
		"POST P/templates":                           {ok: 201, body: `{` + template + `}`},
		"GET P/templates/{template}":                 {ok: 200},
		"PUT P/templates/{template}":                 {ok: 204, in: "template=sibling", body: `{"id":{sibling},` + template + `}`},
		"DELETE P/templates/{template}":              {ok: 204, in: "template=sibling"},
		"GET P/templates/{template}/refs":            {ok: 200},
		"PUT P/templates/{template}/description":     {ok: 204, body: `{"description":"what it does"}`},
		"POST P/templates/{template}/stop_all_tasks": {ok: 204, body: `{"force":true}`},

		"POST P/templates/{template}/inventory/{inventory}/set_default": {ok: 204, in: "template=tf inventory=workspace"},
		"POST P/templates/{template}/inventory/{inventory}/attach":      {ok: 204, in: "template=tf inventory=loose"},
		"POST P/templates/{template}/inventory/{inventory}/detach":      {ok: 204, in: "template=tf inventory=workspace"},

		"GET P/templates/{template}/perms":           {ok: 200},
		"POST P/templates/{template}/perms":          {ok: 201, in: "template=sibling", body: `{` + perm + `,"project_id":{p}}`},
		"GET P/templates/{template}/perms/{perm}":    {ok: 200},
		"PUT P/templates/{template}/perms/{perm}":    {ok: 204, body: `{"id":{perm},` + perm + `,"project_id":{p}}`},
		"DELETE P/templates/{template}/perms/{perm}": {ok: 204},

		"GET P/templates/{template}/tasks":      {ok: 200},
		"GET P/templates/{template}/tasks/last": {ok: 200},
		"GET P/templates/{template}/stats":      {ok: 200},
		"GET P/templates/{template}/schedules":  {ok: 200},
	}
}

func taskExpectations() map[string]expect {
	const schedule = `"project_id":{p},"template_id":{template},"name":"new","cron_format":"0 3 * * *","active":true,"type":"","delete_after_run":false,"repository_id":null,
		"task_params":{"environment":"{\"a\":1}","arguments":null,"git_branch":null,"message":"m","version":null,"inventory_id":null,"params":{}}`
	return map[string]expect{
		"POST P/tasks": {ok: 201, body: `{"template_id":{deploy},"project_id":{p},"message":"m","playbook":"","environment":"{}","secret":"{}","arguments":null,"git_branch":"","inventory_id":{inventory},
			"commit_hash":"0123456789abcdef0123456789abcdef01234567","build_task_id":{built},"params":{},"limit":""}`},
		"GET P/tasks":                       {ok: 200},
		"GET P/tasks/last":                  {ok: 200},
		"GET P/tasks/counts":                {ok: 200},
		"GET P/tasks/recent":                {ok: 200},
		"GET P/tasks/{task}":                {ok: 200, in: "task=done"},
		"DELETE P/tasks/{task}":             {ok: 204, in: "task=done", but: map[string]int{"owner": 401, "manager": 401}, by: "admin"},
		"POST P/tasks/{task}/stop":          {ok: 204, body: `{"force":false}`},
		"POST P/tasks/{task}/confirm":       {ok: 204, in: "task=asks", body: `{}`},
		"POST P/tasks/{task}/reject":        {ok: 204, in: "task=asks", body: `{}`},
		"POST P/tasks/{task}/retry":         {ok: 201, in: "task=done", body: `{"secret":""}`},
		"GET P/tasks/{task}/queue":          {ok: 200},
		"GET P/tasks/{task}/stages":         {ok: 200, in: "task=done"},
		"GET P/tasks/{task}/ansible/hosts":  {ok: 200, in: "task=done"},
		"GET P/tasks/{task}/ansible/errors": {ok: 200, in: "task=done"},
		"GET P/tasks/{task}/output":         {ok: 200, in: "task=done"},
		"GET P/tasks/{task}/raw_output":     {ok: 200, in: "task=done"},
		"GET P/tasks/{task}/stream":         {ok: 200, in: "task=done"},
		"GET P/stats":                       {ok: 200},
		"GET P/calendar":                    {ok: 200},
		"GET P/schedules":                   {ok: 200},
		"POST P/schedules":                  {ok: 201, body: `{` + schedule + `}`},
		"POST P/schedules/validate":         {ok: 200, body: `{"cron_format":"@daily"}`},
		"GET P/schedules/{schedule}":        {ok: 200},
		"PUT P/schedules/{schedule}":        {ok: 204, body: `{"id":{schedule},` + schedule + `}`},
		"DELETE P/schedules/{schedule}":     {ok: 204},
		"PUT P/schedules/{schedule}/active": {ok: 204, body: `{"active":false}`},
		"GET P/schedules/{schedule}/next":   {ok: 200},
		"POST P/schedules/{schedule}/run":   {ok: 201},
	}
}

func integrationExpectations() map[string]expect {
	const (
		integration = `"name":"new","project_id":{p},"template_id":{template},"auth_method":"github","auth_secret_id":{key},"auth_header":"","searchable":true,
			"task_params":{"environment":"{}","inventory_id":{inventory},"params":{}}`
		matcher = `"name":"new","integration_id":{integration},"match_type":"body","method":"contains","body_data_type":"json","key":"ref","value":"main"`
		value   = `"name":"new","integration_id":{integration},"value_source":"body","body_data_type":"json","key":"ref","variable":"ref","variable_type":"environment"`
	)
	const one = "P/integrations/{integration}"
	return map[string]expect{
		"GET P/integrations":   {ok: 200},
		"POST P/integrations":  {ok: 201, body: `{` + integration + `}`},
		"GET " + one:           {ok: 200},
		"PUT " + one:           {ok: 204, body: `{"id":{integration},` + integration + `}`},
		"DELETE " + one:        {ok: 204},
		"GET " + one + "/refs": {ok: 200},

		"GET " + one + "/matchers":                {ok: 200},
		"POST " + one + "/matchers":               {ok: 200, body: `{` + matcher + `}`},
		"GET " + one + "/matchers/{matcher}":      {ok: 200},
		"PUT " + one + "/matchers/{matcher}":      {ok: 204, body: `{"id":{matcher},` + matcher + `}`},
		"DELETE " + one + "/matchers/{matcher}":   {ok: 204},
		"GET " + one + "/matchers/{matcher}/refs": {ok: 200},

		"GET " + one + "/values":              {ok: 200},
		"POST " + one + "/values":             {ok: 201, body: `{` + value + `}`},
		"GET " + one + "/values/{value}":      {ok: 200},
		"PUT " + one + "/values/{value}":      {ok: 204, body: `{"id":{value},` + value + `}`},
		"DELETE " + one + "/values/{value}":   {ok: 204},
		"GET " + one + "/values/{value}/refs": {ok: 200},

		"GET P/integrations/aliases":            {ok: 200},
		"POST P/integrations/aliases":           {ok: 200},
		"DELETE P/integrations/aliases/{alias}": {ok: 204},
		"GET " + one + "/aliases":               {ok: 200},
		"POST " + one + "/aliases":              {ok: 200},
		"DELETE " + one + "/aliases/{alias}":    {ok: 204, in: "alias=own_alias"},

		"GET P/integrations/deliveries":                    {ok: 200},
		"POST P/integrations/deliveries/{delivery}/replay": {ok: 200},

		"POST /integrations/{alias}":    {ok: 204, in: "alias=hook", body: `{"ref":"main"}`, header: []string{"X-Kind", "push", "X-V", "1"}},
		"GET /integrations/{alias}":     {ok: 204, in: "alias=hook", writes: true, header: []string{"X-Kind", "push", "X-V", "1"}},
		"OPTIONS /integrations/{alias}": {ok: 204, in: "alias=hook"},
	}
}
