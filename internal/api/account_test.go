package api_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/internal/api"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		whole := []string{"admin", "alert", "can_create_project", "created", "email", "external", "has_active_subscription", "id", "name", "pro", "username"}
		a := w.do("guest", "GET", "/user", "")
		require.Equal(t, 200, a.Status)
		require.Equal(t, whole, keys(t, a.Body))
		require.Contains(t, a.Body, `"can_create_project":false`)
		require.Contains(t, w.do("admin", "GET", "/user", "").Body, `"can_create_project":true`)
		require.Equal(t, 401, w.do("", "GET", "/user", "").Status)

		row, err := w.auth.EnrollTOTP(t.Context(), w.ids["guest"])
		require.NoError(t, err)
		require.NotContains(t, keys(t, w.do("guest", "GET", "/user", "").Body), "totp", "it is not active yet")
		require.NoError(t, w.auth.ConfirmTOTP(t.Context(), w.ids["guest"], row.ID, code(t, row.URL, 0)))
		a = w.do("guest", "GET", "/user", "")
		var u struct{ TOTP json.RawMessage }
		a.decode(t, &u)
		require.Equal(t, []string{"created", "id", "user_id"}, keys(t, string(u.TOTP)))
		for _, who := range []string{"guest", "admin", "owner"} {
			for _, path := range []string{"/user", "/users", "/users/{guest}"} {
				require.NotContains(t, w.do(who, "GET", path, "").Body, "otpauth", "%s %s", who, path)
				require.NotContains(t, w.do(who, "GET", path, "").Body, "$2a$", "%s %s", who, path)
			}
		}
	})
}

func TestUsersAreRead(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		w.play([]scenario{
			{name: "an administrator sees them whole", as: "admin", method: "GET", path: "/users?sort=name&order=asc", status: 200, contains: []string{`"email":"guest@example.org"`}},
			{name: "others see names", as: "guest", method: "GET", path: "/users", status: 200, contains: []string{`{"id":{owner},"username":"owner","name":"OWNER"}`}, lacks: []string{"email", "admin\":"}},
			{name: "by how they begin", as: "admin", method: "GET", path: "/users?s=G", status: 200, contains: []string{`"guest"`}, lacks: []string{`"owner"`, `"manager"`}},
			{name: "not by what is within", as: "guest", method: "GET", path: "/users?s=uest", status: 200, contains: []string{`[]`}},
			{name: "not by addresses, which would tell them", as: "guest", method: "GET", path: "/users?sort=email", status: 400},
			{name: "by an unknown column", as: "admin", method: "GET", path: "/users?sort=password", status: 400},
			{name: "not by nobody", as: "nobody", method: "GET", path: "/users", status: 401},
			{name: "one's own", as: "guest", method: "GET", path: "/users/{guest}", status: 200, contains: []string{`"email":"guest@example.org"`}},
			{name: "another one's names", as: "guest", method: "GET", path: "/users/{admin}", status: 200, contains: []string{`"username":"admin"`, `"email":""`, `"admin":false`}},
			{name: "one that is not there", as: "admin", method: "GET", path: "/users/9999", status: 404},
			{name: "an id that is none", as: "admin", method: "GET", path: "/users/x", status: 400},
		})
		require.Equal(t, keys(t, w.do("admin", "GET", "/users/{guest}", "").Body), keys(t, w.do("guest", "GET", "/users/{admin}", "").Body))
	})
}

func TestUsersAreAdded(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		user := func(name, more string) string {
			return `{"username":"` + name + `","name":"N","email":"` + name + `@new.org"` + more + `}`
		}
		a := w.created("new", "admin", "/users", user("eve", `,"password":"pw","alert":true,"id":77`))
		require.NotContains(t, a.Body, "password")
		require.Equal(t, 204, w.do("", "POST", "/auth/login", `{"auth":"eve","password":"pw"}`).Status)
		require.Contains(t, eventTexts(t, w), `User "eve" created`)
		w.created("ldap", "admin", "/users", user("ldap", `,"external":true`))
		w.play([]scenario{
			{name: "not by others", method: "POST", path: "/users", body: user("x", `,"password":"pw"`), status: 401},
			{name: "not without a password", as: "admin", method: "POST", path: "/users", body: user("x", ``), status: 400, contains: []string{"password"}},
			{name: "not with a password that would be cut", as: "admin", method: "POST", path: "/users", body: user("x", `,"password":"`+strings.Repeat("a", 73)+`"`), status: 400, contains: []string{"72"}},
			{name: "not without a name", as: "admin", method: "POST", path: "/users", body: `{"username":"x","name":" ","email":"x@y","password":"p"}`, status: 400, contains: []string{"name"}},
			{name: "not with control characters", as: "admin", method: "POST", path: "/users", body: `{"username":"x\ny","name":"n","email":"x@y","password":"p"}`, status: 400},
			{name: "not twice", as: "admin", method: "POST", path: "/users", body: user("EVE", `,"password":"pw"`), status: 400, contains: []string{"username"}},
			{name: "not named as another one's address", as: "admin", method: "POST", path: "/users", body: `{"username":"owner@example.org","name":"n","email":"x@y","password":"p"}`, status: 400, contains: []string{"username"}},
			{name: "not with another one's name for an address", as: "admin", method: "POST", path: "/users", body: `{"username":"x","name":"n","email":"owner","password":"p"}`, status: 400, contains: []string{"email"}},
			{name: "not with a name of another type", as: "admin", method: "POST", path: "/users", body: `{"username":7}`, status: 400},
		})
	})
}

func TestUsersAreChanged(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		body := func(name, more string) string {
			return `{"username":"` + name + `","name":"New","email":"` + name + `@example.org"` + more + `}`
		}
		require.NoError(t, w.st.Users().Update(t.Context(), func() store.User {
			u := w.users["stranger"]
			u.External = true
			return u
		}()))
		w.play([]scenario{
			{name: "oneself", as: "guest", method: "PUT", path: "/users/{guest}", body: body("guest", `,"id":{guest},"alert":true,"pro":true,"external":true`), status: 204, after: func(t *testing.T, w *world, _ answer) {
				u, err := w.st.Users().Get(t.Context(), 0, w.ids["guest"])
				require.NoError(t, err)
				require.Equal(t, "New", u.Name)
				require.True(t, u.Alert)
				require.False(t, u.Pro, "only an administrator says so")
				require.False(t, u.External)
				require.NotEmpty(t, u.Password)
			}},
			{name: "somebody else", as: "guest", method: "PUT", path: "/users/{owner}", body: body("owner", ``), status: 401},
			{name: "not to an administrator by oneself", as: "guest", method: "PUT", path: "/users/{guest}", body: body("guest", `,"admin":true`), status: 401},
			{name: "the last administrator stays one", as: "admin", method: "PUT", path: "/users/{admin}", body: body("admin", ``), status: 401},
			{name: "another id in the body", as: "admin", method: "PUT", path: "/users/{guest}", body: body("guest", `,"id":{owner}`), status: 400},
			{name: "not to a name that is taken", as: "guest", method: "PUT", path: "/users/{guest}", body: body("owner", ``), status: 400},
			{name: "not to no name", as: "guest", method: "PUT", path: "/users/{guest}", body: `{}`, status: 400},
			{name: "one that is not there", as: "admin", method: "PUT", path: "/users/9999", body: body("x", ``), status: 404},
			{name: "the name of an external one", as: "admin", method: "PUT", path: "/users/{stranger}", body: body("other", ``), status: 400},
			{name: "the address of an external one by itself", as: "stranger", method: "PUT", path: "/users/{stranger}", body: `{"username":"stranger","name":"n","email":"victim@example.org"}`, status: 400},
			{name: "the address of an external one", as: "admin", method: "PUT", path: "/users/{stranger}", body: `{"username":"stranger","name":"n","email":"s@example.org"}`, status: 204},
			{name: "the password of an external one", as: "admin", method: "PUT", path: "/users/{stranger}", body: `{"username":"stranger","name":"n","email":"s@example.org","password":"x"}`, status: 400},
			{name: "an administrator appoints another", as: "admin", method: "PUT", path: "/users/{owner}", body: body("owner", `,"admin":true`), status: 204},
			{name: "who can demote the first at once", as: "owner", method: "PUT", path: "/users/{admin}", body: body("admin", `,"password":"fresh"`), status: 204},
			{name: "and is the last one then", as: "owner", method: "DELETE", path: "/users/{owner}", status: 400, contains: []string{"last administrator"}},
			{name: "the first has no say any more", as: "admin", method: "GET", path: "/metrics", status: 403},
		})
		require.Equal(t, 204, w.do("", "POST", "/auth/login", `{"auth":"admin","password":"fresh"}`).Status)
	})
}

func TestPasswordsAreChanged(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true, auth: func(c *auth.Config) { c.MinPassword = 4 }}, func(t *testing.T, w *world) {
		here, there := w.signInAs("guest"), w.signInAs("guest")
		a := w.do("", "POST", "/users/{guest}/password", `{"password":"fresh"}`, here...)
		require.Equal(t, 204, a.Status, a.Body)
		require.Equal(t, 200, w.do("", "GET", "/user", "", here...).Status)
		require.Equal(t, 401, w.do("", "GET", "/user", "", there...).Status, "other sessions end")
		w.play([]scenario{
			{name: "the current one is checked where it is sent", as: "guest", method: "POST", path: "/users/{guest}/password", body: `{"password":"fresher","current_password":"wrong"}`, status: 400, contains: []string{"current_password"}},
			{name: "and lets in", as: "guest", method: "POST", path: "/users/{guest}/password", body: `{"password":"fresher","current_password":"fresh"}`, status: 204},
			{name: "not to a short one", as: "guest", method: "POST", path: "/users/{guest}/password", body: `{"password":"abc"}`, status: 400, contains: []string{"4 characters"}},
			{name: "not somebody else's", as: "guest", method: "POST", path: "/users/{owner}/password", body: `{"password":"fresh"}`, status: 403},
			{name: "by an administrator", as: "admin", method: "POST", path: "/users/{guest}/password", body: `{"password":"given"}`, status: 204},
		})
		require.Equal(t, 401, w.do("", "GET", "/user", "", here...).Status)
		require.Contains(t, eventTexts(t, w), `Password of user "guest" changed`)
	})
}

func TestCurrentPasswordIsDemanded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, api: func(c *api.Config) { c.Settings.RequireCurrentPassword = true }})
	w.play([]scenario{
		{name: "without it", as: "guest", method: "POST", path: "/users/{guest}/password", body: `{"password":"fresh"}`, status: 400, contains: []string{"current_password"}},
		{name: "without it beside other changes", as: "guest", method: "PUT", path: "/users/{guest}", body: `{"username":"guest","name":"n","email":"g@x","password":"fresh"}`, status: 400},
		{name: "with it", as: "guest", method: "POST", path: "/users/{guest}/password", body: `{"password":"fresh","current_password":"correct horse"}`, status: 204},
		{name: "not of administrators for others", as: "admin", method: "POST", path: "/users/{guest}/password", body: `{"password":"given"}`, status: 204},
	})
	for range 10 {
		w.do("owner", "POST", "/users/{owner}/password", `{"password":"fresh","current_password":"guess"}`)
	}
	require.Equal(t, 429, w.do("owner", "POST", "/users/{owner}/password", `{"password":"fresh","current_password":"correct horse"}`).Status)
}

func TestUsersAreDeleted(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		task, err := w.pool.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: w.ids["p"], TemplateID: w.ids["template"]}, By: pool.Caller{UserID: w.ids["owner"]}})
		require.NoError(t, err)
		cookie := w.signInAs("guest")
		w.play([]scenario{
			{name: "not by others", as: "guest", method: "DELETE", path: "/users/{owner}", status: 403},
			{name: "not the only owner by himself", method: "DELETE", path: "/users/{owner}", status: 400, contains: []string{"project {p}"}},
			{name: "not the last administrator", as: "admin", method: "DELETE", path: "/users/{admin}", status: 400},
			{name: "not one that is not there", as: "admin", method: "DELETE", path: "/users/9999", status: 404},
			{name: "with tasks, by an administrator", as: "admin", method: "DELETE", path: "/users/{owner}", status: 204},
			{name: "by himself", as: "guest", method: "DELETE", path: "/users/{guest}", status: 204},
		})
		left, err := w.st.Tasks().Get(t.Context(), w.ids["p"], task.ID)
		require.NoError(t, err)
		require.Nil(t, left.UserID)
		require.Equal(t, 401, w.do("", "GET", "/user", "", cookie...).Status)
		require.Equal(t, 401, w.do("guest", "GET", "/user", "").Status)
	})
}

func TestAPITokens(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		a := w.do("guest", "POST", "/user/tokens", "")
		require.Equal(t, 201, a.Status, a.Body)
		require.Equal(t, []string{"created", "expired", "id", "name", "scopes", "user_id"}, keys(t, a.Body))
		var full, row store.APIToken
		a.decode(t, &full)
		require.Len(t, full.Prefix, 44)
		require.Equal(t, 200, w.do("", "GET", "/user", "", "Authorization", "bearer "+full.Prefix).Status)
		a = w.do("guest", "GET", "/user/tokens", "")
		require.Contains(t, a.Body, `"id":"`+full.Prefix[:8]+`"`)
		require.NotContains(t, a.Body, full.Prefix)
		require.NotContains(t, a.Body, "hash")

		w.do("guest", "POST", "/user/tokens", w.fill(`{"name":"ci","scopes":["read","project:{p}"],"expires":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"}`)).decode(t, &row)
		w.tokens["scoped"] = row.Prefix
		w.play([]scenario{
			{name: "an unknown scope", as: "guest", method: "POST", path: "/user/tokens", body: `{"scopes":["root"]}`, status: 400},
			{name: "a project without a verb", as: "guest", method: "POST", path: "/user/tokens", body: `{"scopes":["project:{p}"]}`, status: 400},
			{name: "a project of others", as: "guest", method: "POST", path: "/user/tokens", body: `{"scopes":["read","project:{q}"]}`, status: 400},
			{name: "a project that is no number", as: "guest", method: "POST", path: "/user/tokens", body: `{"scopes":["read","project:01"]}`, status: 400},
			{name: "an end in the past", as: "guest", method: "POST", path: "/user/tokens", body: `{"expires":"2020-01-01T00:00:00Z"}`, status: 400},
			{name: "a token with scopes makes none", as: "scoped", method: "POST", path: "/user/tokens", status: 403},
			{name: "a token with scopes reads its project", as: "scoped", method: "GET", path: "/project/{p}/views", status: 200},
			{name: "and changes nothing", as: "scoped", method: "DELETE", path: "/user/sessions", status: 403},
			{name: "too few characters", as: "guest", method: "DELETE", path: "/user/tokens/" + full.Prefix[:7], status: 404},
			{name: "another one's token", as: "owner", method: "DELETE", path: "/user/tokens/" + full.Prefix, status: 404},
			{name: "by its beginning", as: "guest", method: "DELETE", path: "/user/tokens/" + full.Prefix[:8], status: 204},
			{name: "nobody has none", as: "nobody", method: "GET", path: "/user/tokens", status: 401},
		})
		require.Equal(t, 401, w.do("", "GET", "/user", "", "Authorization", "Bearer "+full.Prefix).Status)
		require.Contains(t, eventTexts(t, w), `API token "`+full.Prefix[:8]+`" deleted`)
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		here, there, third := w.signInAs("guest"), w.signInAs("guest"), w.signInAs("guest")
		a := w.do("", "GET", "/user/sessions", "", here...)
		require.Equal(t, 200, a.Status)
		var list []struct {
			ID      int64
			Current bool
		}
		a.decode(t, &list)
		require.Len(t, list, 3)
		require.True(t, list[2].Current)
		require.NotContains(t, a.Body, "secret")
		w.ids["session"], w.ids["own"] = list[1].ID, list[2].ID
		w.play([]scenario{
			{name: "another one's cannot be ended", as: "owner", method: "DELETE", path: "/user/sessions/{session}", status: 404},
			{name: "nor by its owner's path", as: "owner", method: "DELETE", path: "/users/{guest}/sessions/{session}", status: 403},
			{name: "nor seen", as: "owner", method: "GET", path: "/users/{guest}/sessions", status: 403},
			{name: "an administrator sees them", as: "admin", method: "GET", path: "/users/{guest}/sessions", status: 200, contains: []string{`"id":{session}`}},
			{name: "one is ended", as: "guest", method: "DELETE", path: "/user/sessions/{session}", status: 204},
		})
		require.Equal(t, 401, w.do("", "GET", "/user", "", there...).Status)
		require.Equal(t, 204, w.do("", "DELETE", "/user/sessions", "", here...).Status)
		require.Equal(t, 200, w.do("", "GET", "/user", "", here...).Status)
		require.Equal(t, 401, w.do("", "GET", "/user", "", third...).Status)
		require.Equal(t, 204, w.do("admin", "DELETE", "/users/{guest}/sessions/{own}", "").Status)
		require.Equal(t, 204, w.do("admin", "DELETE", "/users/{guest}/sessions", "").Status)
		require.Equal(t, 401, w.do("", "GET", "/user", "", here...).Status)
	})
}

func TestSecondFactorIsSetUp(t *testing.T) {
	t.Parallel()
	backends(t, options{idle: true}, func(t *testing.T, w *world) {
		here, there := w.signInAs("guest"), w.signInAs("guest")
		a := w.do("", "POST", "/users/{guest}/2fas/totp", "", here...)
		require.Equal(t, 200, a.Status, a.Body)
		require.Equal(t, []string{"active", "created", "id", "recovery_code", "url", "user_id"}, keys(t, a.Body))
		var row store.TOTP
		a.decode(t, &row)
		w.ids["totp"] = row.ID
		a = w.do("guest", "GET", "/users/{guest}/2fas/totp/{totp}/qr", "")
		require.Equal(t, "image/png", a.Header.Get("Content-Type"))
		picture, err := png.DecodeConfig(bytes.NewBufferString(a.Body))
		require.NoError(t, err)
		require.Equal(t, 256, picture.Width)
		w.play([]scenario{
			{name: "nobody else sees the picture", as: "owner", method: "GET", path: "/users/{guest}/2fas/totp/{totp}/qr", status: 403},
			{name: "nor sets one up", as: "owner", method: "POST", path: "/users/{guest}/2fas/totp", status: 403},
			{name: "one of another user does not exist", as: "owner", method: "GET", path: "/users/{owner}/2fas/totp/{totp}/qr", status: 404},
			{name: "a wrong code", as: "guest", method: "POST", path: "/users/{guest}/2fas/totp/{totp}/verify", body: `{"passcode":"12"}`, status: 400},
		})
		a = w.do("", "POST", "/users/{guest}/2fas/totp/{totp}/verify", `{"passcode":"`+code(t, row.URL, 0)+`"}`, here...)
		require.Equal(t, 204, a.Status, a.Body)
		require.Equal(t, 401, w.do("", "GET", "/user", "", there...).Status, "other sessions end")
		w.play([]scenario{
			{name: "the picture is shown until then only", as: "guest", method: "GET", path: "/users/{guest}/2fas/totp/{totp}/qr", status: 404},
			{name: "there is one at most", as: "guest", method: "POST", path: "/users/{guest}/2fas/totp", status: 400},
			{name: "nobody else takes it away", as: "owner", method: "DELETE", path: "/users/{guest}/2fas/totp/{totp}", status: 403},
			{name: "an administrator does", as: "admin", method: "DELETE", path: "/users/{guest}/2fas/totp/{totp}", status: 204},
			{name: "once", as: "guest", method: "DELETE", path: "/users/{guest}/2fas/totp/{totp}", status: 404},
		})
	})
}

func TestSecondFactorIsNotSetUpWhereItIsOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true, auth: func(c *auth.Config) { c.TOTP = false }})
	w.play([]scenario{{name: "and says what to set", as: "guest", method: "POST", path: "/users/{guest}/2fas/totp", status: 400, contains: []string{"auth.totp.enabled"}}})
}
