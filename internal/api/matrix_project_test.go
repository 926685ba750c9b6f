package api_test

func projectExpectations() map[string]expect {
	const project = `{"name":"renamed","alert":true,"alert_chat":"1","max_parallel_tasks":2,"default_secret_storage_id":{storage}}`
	return map[string]expect{
		"GET /projects":             {ok: 200},
		"POST /projects":            {ok: 201, body: `{"name":"new","alert":true,"max_parallel_tasks":1,"type":"","demo":true}`, but: only(401, "admin"), by: "admin"},
		"GET P/backup":              {ok: 200},
		"POST /projects/restore":    {ok: 200, body: backupFile, but: only(401, "admin"), by: "admin"},
		"GET P":                     {ok: 200},
		"PUT P":                     {ok: 204, body: project},
		"DELETE P":                  {ok: 400}, // tasks are in the way
		"DELETE P/cache":            {ok: 204},
		"GET P/role":                {ok: 200},
		"POST P/notifications/test": {ok: 204},
		"GET P/events":              {ok: 200},
		"GET P/events/last":         {ok: 200},

		"GET P/known_hosts":                 {ok: 200},
		"POST P/known_hosts":                {ok: 201, body: `{"host":"new.example.org","key":"` + hostKey + `"}`},
		"GET P/known_hosts/{known_host}":    {ok: 200},
		"DELETE P/known_hosts/{known_host}": {ok: 204},
	}
}

// backupFile is a backup with one of everything.
const backupFile = `{"meta":{"name":"restored","alert":true,"alert_chat":"1","max_parallel_tasks":2,"type":""},
	"keys":[{"name":"None","type":"none","owner":""}],
	"repositories":[{"name":"R","git_url":"https://git.example.org/r.git","git_branch":"main","ssh_key":"None"}],
	"inventories":[{"name":"I","inventory":"localhost","type":"static","ssh_key":"None"}],
	"environments":[{"name":"Empty","json":"{}","env":"{}"}],
	"views":[{"title":"All","position":0,"type":"all","hidden":false,"sort_reverse":false}],
	"templates":[{"name":"T","playbook":"a.yml","app":"ansible","type":"","inventory":"I","repository":"R","environment":"Empty","view":"All","survey_vars":[],"task_params":{},"vaults":[],"roles":[]}],
	"schedules":[{"name":"S","cron_format":"0 3 * * *","active":true,"template":"T","task_params":{"params":{}}}],
	"integrations":[{"name":"W","auth_method":"","template":"T","aliases":["0123456789abcdef"],"matchers":[],"extract_values":[]}],
	"integration_aliases":[],"secret_storages":[],"roles":[{"name":"Helper","permissions":1}]}`

func memberExpectations() map[string]expect {
	const role = `{"name":"Helper","permissions":1,"project_id":{p}}`
	return map[string]expect{
		"GET P/users":           {ok: 200},
		"POST P/users":          {ok: 204, body: `{"user_id":{spare},"role":"task_runner"}`, but: map[string]int{"owner": 403}},
		"GET P/users/{user}":    {ok: 200, in: "user=guest"},
		"PUT P/users/{user}":    {ok: 204, in: "user=guest", body: `{"role":"task_runner"}`},
		"DELETE P/users/{user}": {ok: 204, in: "user=guest"},
		"DELETE P/me":           {ok: 204, but: map[string]int{"owner": 400, "admin": 400}, by: "guest"},

		"GET P/roles":           {ok: 200},
		"GET P/roles/all":       {ok: 200},
		"POST P/roles":          {ok: 201, body: `{"slug":"new","name":"New","permissions":5,"project_id":{p}}`},
		"GET P/roles/{role}":    {ok: 200},
		"PUT P/roles/{role}":    {ok: 204, body: role},
		"POST P/roles/{role}":   {ok: 204, body: role},
		"DELETE P/roles/{role}": {ok: 204},

		"GET P/invites":             {ok: 200},
		"POST P/invites":            {ok: 201, body: `{"email":"new@example.org","role":"guest"}`},
		"GET P/invites/{invite}":    {ok: 200},
		"DELETE P/invites/{invite}": {ok: 204},
	}
}

func resourceExpectations() map[string]expect {
	const (
		key        = `"name":"new","type":"login_password","project_id":{p},"login_password":{"login":"l","password":"p"},"string":"","ssh":{"login":"","passphrase":"","private_key":""}`
		repository = `"name":"new","project_id":{p},"git_url":"https://git.example.org/new.git","git_branch":"main","ssh_key_id":{key}`
		inventory  = `"name":"new","project_id":{p},"type":"static","inventory":"localhost","ssh_key_id":{key},"become_key_id":{spare_key},"repository_id":{repository}`
		group      = `"name":"new","project_id":{p},"json":"{\"a\":{\"b\":1}}","env":"{\"LANG\":\"C\"}"`
		storage    = `"name":"new","project_id":{p},"type":"vault","params":{"url":"https://vault.example.org"},"readonly":false,"secret":"s"`
		view       = `"title":"new","project_id":{p},"position":3,"hidden":true,"type":"","sort_column":"name","sort_reverse":true`
	)
	return map[string]expect{
		"GET P/keys":            {ok: 200},
		"POST P/keys":           {ok: 201, body: `{` + key + `,"source_storage_id":{vault},"source_storage_key":"path","source_storage_type":"vault"}`},
		"GET P/keys/{key}":      {ok: 200},
		"PUT P/keys/{key}":      {ok: 204, body: `{"id":{key},"override_secret":true,` + key + `,"source_storage_id":null}`},
		"DELETE P/keys/{key}":   {ok: 204, in: "key=spare_key"},
		"GET P/keys/{key}/refs": {ok: 200},

		"GET P/repositories":                       {ok: 200},
		"POST P/repositories":                      {ok: 201, body: `{` + repository + `}`},
		"GET P/repositories/{repository}":          {ok: 200},
		"PUT P/repositories/{repository}":          {ok: 204, body: `{"id":{repository},` + repository + `}`},
		"DELETE P/repositories/{repository}":       {ok: 204, in: "repository=spare_repository"},
		"GET P/repositories/{repository}/refs":     {ok: 200},
		"GET P/repositories/{repository}/branches": {ok: 400}, // the executor of the tests lists none

		"GET P/inventory":                  {ok: 200},
		"POST P/inventory":                 {ok: 201, body: `{` + inventory + `,"template_id":null,"runner_tag":"linux"}`},
		"GET P/inventory/{inventory}":      {ok: 200},
		"PUT P/inventory/{inventory}":      {ok: 204, body: `{"id":{inventory},` + inventory + `}`},
		"DELETE P/inventory/{inventory}":   {ok: 204, in: "inventory=spare_inventory"},
		"GET P/inventory/{inventory}/refs": {ok: 200},

		"GET P/environment":                    {ok: 200},
		"POST P/environment":                   {ok: 201, body: `{` + group + `,"secret_storage_id":{storage},"secret_storage_key_prefix":"p/","secrets":[{"type":"env","name":"TOKEN","secret":"s","operation":"create"}]}`},
		"GET P/environment/{environment}":      {ok: 200},
		"PUT P/environment/{environment}":      {ok: 204, in: "environment=group", body: `{"id":{group},` + group + `,"secrets":[{"id":{group_secret},"type":"env","name":"TOKEN","secret":"","operation":"update"}]}`},
		"DELETE P/environment/{environment}":   {ok: 204, in: "environment=group"},
		"GET P/environment/{environment}/refs": {ok: 200},

		"GET P/secret_storages":                {ok: 200},
		"POST P/secret_storages":               {ok: 201, body: `{` + storage + `}`},
		"GET P/secret_storages/{storage}":      {ok: 200},
		"PUT P/secret_storages/{storage}":      {ok: 200, body: `{"id":{storage},` + storage + `}`},
		"DELETE P/secret_storages/{storage}":   {ok: 204},
		"GET P/secret_storages/{storage}/refs": {ok: 200},

		"GET P/views":                  {ok: 200},
		"POST P/views":                 {ok: 201, body: `{` + view + `}`},
		"GET P/views/{view}":           {ok: 200},
		"PUT P/views/{view}":           {ok: 204, in: "view=spare_view", body: `{"id":{spare_view},` + view + `}`},
		"DELETE P/views/{view}":        {ok: 204, in: "view=spare_view"},
		"POST P/views/positions":       {ok: 204, body: `{"{view}":2,"{spare_view}":1}`},
		"GET P/views/{view}/templates": {ok: 200},
	}
}
