package alert_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/alert"
	"github.com/alexandervashurin/semaphore/job"
	"github.com/alexandervashurin/semaphore/job/jobtest"
	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/mail/mailtest"
	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/pool/pooltest"
	"github.com/alexandervashurin/semaphore/store"
	"github.com/alexandervashurin/semaphore/store/memory"
)

// events lists what the webhook was told.
func events(t *testing.T, r *receiver) []string {
	t.Helper()
	list := []string{}
	for _, d := range r.got() {
		var e alert.Event
		require.NoError(t, json.Unmarshal(d.body, &e))
		list = append(list, e.Event)
	}
	return list
}

func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   store.OutboxKind
		status store.Status
		muted  bool // the template mutes success
		failed bool // the task before has failed
		off    bool // the project wants no alerts
		event  string
		mails  int
	}{
		"a success":                          {kind: store.OutboxFinished, status: store.Success, event: "success"},
		"a success that is muted":            {kind: store.OutboxFinished, status: store.Success, muted: true},
		"a recovery":                         {kind: store.OutboxFinished, status: store.Success, failed: true, event: "recovered"},
		"a recovery that cannot be muted":    {kind: store.OutboxFinished, status: store.Success, failed: true, muted: true, event: "recovered"},
		"an error, by mail too":              {kind: store.OutboxFinished, status: store.Failed, event: "error", mails: 1},
		"an error that cannot be muted":      {kind: store.OutboxFinished, status: store.Failed, muted: true, event: "error", mails: 1},
		"no task that was stopped":           {kind: store.OutboxFinished, status: store.Stopped},
		"a confirmation":                     {kind: store.OutboxConfirm, status: store.WaitingConfirmation, event: "waiting_confirmation"},
		"an unreachable worker, by mail too": {kind: store.OutboxUnreachable, status: store.Running, event: "unreachable", mails: 1},
		"a late result":                      {kind: store.OutboxLate, status: store.Failed, event: "late"},
		"nothing where alerts are off":       {kind: store.OutboxFinished, status: store.Failed, off: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, fake := newReceiver(t), &mailtest.Fake{}
			b := setup(t, store.Template{SuppressSuccessAlerts: c.muted}, func(cfg *alert.Config) {
				enable["webhook"].on(cfg, r.URL)
				cfg.Email.Enabled, cfg.Mail = true, fake
			})
			b.user(store.User{Username: "root", Name: "Root", Email: "root@example.com", Admin: true, Alert: true})
			if c.failed {
				b.task(func(t *store.Task) { t.Status = store.Failed })
			}
			task := b.task(nil)
			b.Project.Alert = !c.off
			require.NoError(t, b.tell(task, c.kind, c.status))
			require.Len(t, fake.Sent(), c.mails)
			if c.event == "" {
				require.Empty(t, events(t, r))
				return
			}
			require.Equal(t, []string{c.event}, events(t, r))
		})
	}
}

func TestARecoveryIsOneOfTheSameTemplateAndTheTaskRightBefore(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, store.Template{}, func(c *alert.Config) { enable["webhook"].on(c, r.URL) })
	first := b.task(nil)
	b.task(func(t *store.Task) { t.Status = store.Failed })
	require.NoError(t, b.tell(first, store.OutboxFinished, store.Success), "the error came later")
	other := b.Template(store.Template{Name: "other"})
	alone := b.task(func(t *store.Task) { t.TemplateID = other.ID })
	require.NoError(t, b.tell(alone, store.OutboxFinished, store.Success), "the error is another template's")
	require.Equal(t, []string{"success", "success"}, events(t, r))
}

func TestADeployIsToldWithTheVersionOfItsBuild(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, store.Template{}, func(c *alert.Config) { enable["webhook"].on(c, r.URL) })
	build := b.task(func(t *store.Task) { t.Version = pointer("1.2.3") })
	deploy := b.task(func(t *store.Task) { t.BuildTaskID = &build.ID })
	again := b.task(func(t *store.Task) { t.BuildTaskID = &deploy.ID })
	for _, task := range []store.Task{build, deploy, again} {
		require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	}
	var versions []string
	for _, d := range r.got() {
		var e alert.Event
		require.NoError(t, json.Unmarshal(d.body, &e))
		versions = append(versions, e.Task.Version)
	}
	require.Equal(t, []string{"1.2.3", "build 1.2.3", "build 1.2.3"}, versions)
}

func TestAnAlertOutlivesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, store.Template{}, func(c *alert.Config) { enable["webhook"].on(c, r.URL) })
	task := b.task(nil)
	task.TemplateID, task.UserID, task.BuildTaskID = 77, pointer[int64](88), pointer[int64](99)
	require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	var e alert.Event
	require.NoError(t, json.Unmarshal(r.got()[0].body, &e))
	require.Equal(t, "template 77", e.Template.Name)
	require.Equal(t, "—", e.Author.Name)
}

func TestAnswersOfReceivers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		channel string
		status  int
		body    string
		tries   int  // over two alerts
		fails   bool // asks to be called again
	}{
		{"slack", 200, "ok", 2, false},
		{"slack", 202, "", 2, true},
		{"slack", 500, "oops", 2, true},
		{"slack", 429, "slow down", 2, true},
		{"slack", 408, "", 2, true},
		{"slack", 404, "no_service", 2, false},
		{"slack", 302, "", 2, true},
		{"microsoft_teams", 202, "", 2, false},
		{"microsoft_teams", 201, "", 2, true},
		{"webhook", 204, "", 2, false},
		{"webhook", 410, "", 2, false},
		{"dingtalk", 200, `{"errcode":0,"errmsg":"ok"}`, 2, false},
		{"dingtalk", 200, `{"errcode":130101,"errmsg":"send too fast"}`, 2, true},
		{"dingtalk", 200, `{"errcode":300005,"errmsg":"token is not exist"}`, 2, false},
		{"telegram", 200, `{"ok":true}`, 2, false},
		{"telegram", 400, `{"ok":false,"description":"chat not found"}`, 2, false},
	} {
		t.Run(c.channel+" "+http.StatusText(c.status)+" "+c.body, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.answers(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			b := setup(t, store.Template{}, func(cfg *alert.Config) { enable[c.channel].on(cfg, r.URL) })
			task := b.task(nil)
			for range 2 {
				err := b.tell(task, store.OutboxFinished, store.Failed)
				require.Equal(t, c.fails, err != nil, "%v", err)
			}
			require.Len(t, r.got(), c.tries)
			if c.status/100 == 4 && !c.fails {
				require.Contains(t, b.log.String(), "alert refused")
			}
		})
	}
	t.Run("a redirect that loses the body is no success", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t)
		r.answers(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				http.Redirect(w, req, "/login", http.StatusFound)
			}
		})
		b := setup(t, store.Template{}, func(cfg *alert.Config) { enable["slack"].on(cfg, r.URL) })
		require.NoError(t, b.tell(b.task(nil), store.OutboxFinished, store.Failed))
		require.Contains(t, b.log.String(), "redirected to a page")
	})
}

func TestAChannelIsNotRepeatedBecauseAnotherFails(t *testing.T) {
	t.Parallel()
	good, bad := newReceiver(t), newReceiver(t)
	bad.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	down := true
	fake := &mailtest.Fake{Fail: func(m mail.Message) error {
		if down && strings.Contains(m.To[0], "bob") {
			return context.DeadlineExceeded
		}
		return nil
	}}
	b := setup(t, store.Template{}, func(c *alert.Config) {
		enable["slack"].on(c, good.URL)
		enable["webhook"].on(c, bad.URL)
		c.Email.Enabled, c.Mail = true, fake
	})
	b.user(store.User{Username: "ann", Name: "Ann", Email: "ann@example.com", Admin: true, Alert: true})
	b.user(store.User{Username: "bob", Name: "Bob", Email: "bob@example.com", Admin: true, Alert: true})
	task, other := b.task(nil), b.task(nil)
	for range 3 {
		err := b.tell(task, store.OutboxFinished, store.Failed)
		require.ErrorContains(t, err, "webhook: status 502")
		require.ErrorContains(t, err, "email:2: ")
	}
	require.Len(t, good.got(), 1)
	require.Len(t, bad.got(), 3)
	require.Len(t, fake.Sent(), 1)
	require.Error(t, b.tell(other, store.OutboxFinished, store.Failed))
	require.Len(t, good.got(), 2, "another task is another alert")

	down = false
	bad.answers(nil)
	require.NoError(t, b.tell(task, store.OutboxFinished, store.Failed))
	require.Len(t, good.got(), 2)
	require.Len(t, bad.got(), 5)
	require.Len(t, fake.Sent(), 3, "ann of each task, and bob")
}

// TestNoErrorTellsASecret makes every channel fail in every way, with receivers
// that repeat what they were sent.
func TestNoErrorTellsASecret(t *testing.T) {
	t.Parallel()
	ways := map[string]func(r *receiver){
		"refused for now": func(r *receiver) {
			r.answers(func(w http.ResponseWriter, req *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte("no " + req.URL.String() + " at " + req.URL.Path + "?" + req.URL.RawQuery))
			})
		},
		"refused for good": func(r *receiver) {
			r.answers(func(w http.ResponseWriter, req *http.Request) {
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte("no " + req.URL.String() + " at " + req.URL.Path + "?" + req.URL.RawQuery))
			})
		},
		"redirected for ever": func(r *receiver) {
			r.answers(func(w http.ResponseWriter, req *http.Request) {
				http.Redirect(w, req, req.URL.String(), http.StatusTemporaryRedirect)
			})
		},
		"cut": func(r *receiver) {
			r.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		},
		"not there": func(r *receiver) { r.Close() },
	}
	for name, ch := range enable {
		for way, prepare := range ways {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				r := newReceiver(t)
				prepare(r)
				b := setup(t, store.Template{}, func(c *alert.Config) { ch.on(c, r.URL) })
				err := b.tell(b.task(nil), store.OutboxFinished, store.Failed)
				results := b.alerter.Test(t.Context(), b.Project)
				require.Len(t, results, 1)
				require.Error(t, results[0].Err)
				said := b.log.String() + results[0].Err.Error()
				if err != nil {
					said += err.Error()
				}
				require.NotContains(t, said, secret)
				require.NotContains(t, said, "signing-key")
			})
		}
	}
}

func TestASlowReceiverHoldsNobody(t *testing.T) {
	t.Parallel()
	slow, quick := newReceiver(t), newReceiver(t)
	release := make(chan struct{})
	slow.answers(func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	b := setup(t, store.Template{}, func(c *alert.Config) {
		enable["telegram"].on(c, slow.URL)
		enable["gotify"].on(c, quick.URL)
		c.Timeout = 50 * time.Millisecond
	})
	require.ErrorContains(t, b.tell(b.task(nil), store.OutboxFinished, store.Failed), "telegram: context deadline exceeded")
	require.Len(t, quick.got(), 1)
}

func TestThePoolTellsOfATask(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	told := make(chan struct{}, 10)
	r.answers(func(http.ResponseWriter, *http.Request) { told <- struct{}{} })
	st := memory.New(memory.Config{})
	cfg := alert.Config{Store: st, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	enable["webhook"].on(&cfg, r.URL)
	alerter, err := alert.New(cfg)
	require.NoError(t, err)
	exit := 1
	p := pooltest.New(t, pooltest.Options{
		Store: st, Config: pool.Config{Alerter: alerter},
		Script: func(*job.Spec) jobtest.Script { return jobtest.Script{ExitCode: exit} },
	})
	p.Project.Alert = true
	require.NoError(t, st.Projects().Update(t.Context(), p.Project))
	template := p.Template(store.Template{})
	for _, exit = range []int{1, 0, 0} {
		task, err := p.AddTask(t.Context(), pool.AddRequest{Task: store.Task{ProjectID: p.Project.ID, TemplateID: template.ID}, By: pool.Caller{Saved: true}})
		require.NoError(t, err)
		_, err = p.Wait(t.Context(), task.ProjectID, task.ID)
		require.NoError(t, err)
		select {
		case <-told:
		case <-t.Context().Done():
			require.Fail(t, "nobody was told")
		}
	}
	require.Equal(t, []string{"error", "recovered", "success"}, events(t, r))
}
