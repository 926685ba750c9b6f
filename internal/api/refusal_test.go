package api_test

import "testing"

func TestARefusalNamesItsFieldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	w.play([]scenario{
		{name: "cron", method: "POST", path: "/project/{p}/schedules/validate", body: `{"cron_format":"bad"}`, status: 400, contains: []string{`"Cron: expected`}, lacks: []string{"Cron: Cron"}},
		{name: "cron of a schedule", method: "POST", path: "/project/{p}/schedules", body: `{"template_id":{template},"cron_format":"61 * * * *"}`, status: 400, contains: []string{`"Cron: `}, lacks: []string{"Cron: Cron"}},
		{name: "arguments", method: "POST", path: "/project/{p}/templates", body: `{"name":"x","app":"bash","playbook":"x.sh","repository_id":{repository},"arguments":"nope"}`, status: 400, contains: []string{"arguments: not JSON"}, lacks: []string{"arguments: arguments"}},
	})
}
