package api_test

// coming tells which lines of the tables may have no route.
func coming(name string) bool {
	return map[string]bool{
		"GET /ws": true, "GET /project/{project}/tasks/{task}/output": true, "GET /project/{project}/tasks/{task}/raw_output": true,
		"GET /project/{project}/tasks/{task}/stream": true, "GET /openapi.json": true, "GET /docs": true,
		"GET /project/{project}/calendar":  true,
		"GET /project/{project}/schedules": true, "POST /project/{project}/schedules": true, "POST /project/{project}/schedules/validate": true,
		"GET /project/{project}/schedules/{schedule}": true, "PUT /project/{project}/schedules/{schedule}": true, "DELETE /project/{project}/schedules/{schedule}": true,
		"PUT /project/{project}/schedules/{schedule}/active": true, "GET /project/{project}/schedules/{schedule}/next": true,
		"POST /project/{project}/schedules/{schedule}/run": true, "GET /project/{project}/templates/{template}/schedules": true,
	}[name]
}

func publicExpectations() map[string]expect {
	const login = `{"auth":"guest","password":"` + password + `"}`
	return map[string]expect{
		"GET /ping":            {ok: 200},
		"GET /health":          {ok: 200},
		"GET /version":         {ok: 200},
		"GET /metrics":         {ok: 200},
		"GET /info":            {ok: 200},
		"GET /openapi.json":    {ok: 200},
		"GET /docs":            {ok: 200},
		"GET /ws":              {ok: 426},
		"GET /auth/login":      {ok: 200},
		"POST /auth/login":     {ok: 204, body: login},
		"POST /auth/verify":    {ok: 204, body: `{"passcode":"{passcode}"}`, but: map[string]int{"pending": 200}},
		"POST /auth/recovery":  {ok: 400, body: `{"recovery_code":"{recovery}"}`, but: map[string]int{"pending": 204}},
		"POST /auth/logout":    {ok: 204},
		"POST /auth/token":     {ok: 200, body: login},
		"POST /auth/refresh":   {ok: 200, body: `{"refresh_token":"{refresh}"}`},
		"POST /auth/revoke":    {ok: 204, body: `{"refresh_token":"{refresh}"}`},
		"GET /subscription":    {ok: 404},
		"POST /subscription":   {ok: 404},
		"DELETE /subscription": {ok: 404},

		"POST /subscription/refresh":                   {ok: 404},
		"GET /auth/oidc/{provider}/login":              {ok: 307},
		"GET /auth/oidc/{provider}/redirect":           {ok: 307, writes: true},
		"GET /auth/oidc/{provider}/redirect/{path...}": {ok: 307, writes: true},
	}
}

// accountExpectations are about people. Accounts are for whose they are and for
// administrators; some refusals are 401, which clients know.
func accountExpectations() map[string]expect {
	own, own401 := only(403, "guest", "admin"), only(401, "guest", "admin")
	const account = `{"id":{guest},"username":"guest","name":"Guest","email":"guest@example.org"}`
	return map[string]expect{
		"GET /user":                               {ok: 200},
		"GET /events":                             {ok: 200},
		"GET /events/last":                        {ok: 200},
		"GET /user/tokens":                        {ok: 200},
		"POST /user/tokens":                       {ok: 201, body: `{"name":"new","scopes":["read","project:{p}"]}`, but: map[string]int{"stranger": 400}},
		"DELETE /user/tokens/{token}":             {ok: 204, in: "token=my_token"},
		"GET /user/sessions":                      {ok: 200},
		"DELETE /user/sessions":                   {ok: 204},
		"DELETE /user/sessions/{session}":         {ok: 204, in: "session=my_session"},
		"GET /users/{user}/sessions":              {ok: 200, in: "user=guest", but: own},
		"DELETE /users/{user}/sessions":           {ok: 204, in: "user=guest", but: own, by: "admin"},
		"DELETE /users/{user}/sessions/{session}": {ok: 204, in: "user=guest session=session_of_guest", but: own, by: "admin"},

		"GET /users":                  {ok: 200},
		"POST /users":                 {ok: 201, body: `{"username":"new","name":"New","email":"new@example.org","password":"correct horse","admin":true}`, but: only(401, "admin"), by: "admin"},
		"GET /users/{user}":           {ok: 200, in: "user=guest"},
		"PUT /users/{user}":           {ok: 204, in: "user=guest", body: account, but: own401, by: "admin"},
		"DELETE /users/{user}":        {ok: 204, in: "user=guest", but: own, by: "admin"},
		"POST /users/{user}/password": {ok: 204, in: "user=guest", body: `{"password":"a new password"}`, but: own, by: "admin"},

		"POST /users/{user}/2fas/totp":               {ok: 200, in: "user=guest", but: own, by: "admin"},
		"GET /users/{user}/2fas/totp/{totp}/qr":      {ok: 200, in: "user=guest", but: own, by: "admin"},
		"POST /users/{user}/2fas/totp/{totp}/verify": {ok: 204, in: "user=guest", body: `{"passcode":"{passcode_of_guest}"}`, but: own, by: "admin"},
		"DELETE /users/{user}/2fas/totp/{totp}":      {ok: 204, in: "user=guest", but: own, by: "admin"},

		"GET /invites":          {ok: 200},
		"POST /invites/accept":  {ok: 404, body: `{"token":"{invite_token}"}`}, // it names somebody else
		"POST /invites/decline": {ok: 404, body: `{"id":{invite}}`},
	}
}

func adminExpectations() map[string]expect {
	const app = `{"id":"python","active":true,"priority":1,"title":"Python","icon":"mdi-x","color":"red","dark_color":"red","path":"/usr/bin/python3","args":["-u"]}`
	const role = `{"name":"Auditor","permissions":1}`
	return map[string]expect{
		"GET /tasks":              {ok: 200},
		"GET /tasks/counts":       {ok: 200},
		"GET /tasks/{task}":       {ok: 200},
		"DELETE /tasks/{task}":    {ok: 204},
		"DELETE /cache":           {ok: 204},
		"POST /drain":             {ok: 200, body: `{"drain":false}`},
		"POST /debug/gc":          {ok: 204},
		"POST /debug/pprof/dump":  {ok: 204},
		"GET /options":            {ok: 200},
		"POST /options":           {ok: 200, body: `{"key":"git_client","value":"cmd_git"}`},
		"GET /apps":               {ok: 200},
		"GET /apps/{app}":         {ok: 200},
		"PUT /apps/{app}":         {ok: 204, body: app},
		"POST /apps/{app}":        {ok: 204, body: app},
		"DELETE /apps/{app}":      {ok: 204},
		"POST /apps/{app}/active": {ok: 204, body: `{"active":true}`},
		"GET /roles":              {ok: 200},
		"POST /roles":             {ok: 201, body: `{"slug":"new","name":"New","permissions":1}`},
		"GET /roles/{role}":       {ok: 200, in: "role=any_role"},
		"PUT /roles/{role}":       {ok: 204, in: "role=any_role", body: role},
		"POST /roles/{role}":      {ok: 204, in: "role=any_role", body: role},
		"DELETE /roles/{role}":    {ok: 204, in: "role=any_role"},
	}
}
