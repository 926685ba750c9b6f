package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// day is a line of a calendar.
type day struct {
	Date         string         `json:"date"`
	ScheduleID   int64          `json:"schedule_id"`
	Name         string         `json:"name"`
	TemplateName string         `json:"tpl_name"`
	Count        int            `json:"count"`
	First        time.Time      `json:"first"`
	Last         time.Time      `json:"last"`
	EverySeconds int64          `json:"every_seconds"`
	More         bool           `json:"more"`
	Statuses     map[string]int `json:"statuses"`
	TaskID       int64          `json:"task_id"`
}

// daysOf asks for the lines of a schedule.
func (w *world) daysOf(schedule int64, query string) []day {
	w.t.Helper()
	var got struct{ Runs []day }
	a := w.do("guest", http.MethodGet, "/project/{p}/calendar?"+query, "")
	require.Equal(w.t, http.StatusOK, a.Status, a.Body)
	a.decode(w.t, &got)
	var list []day
	for _, d := range got.Runs {
		if d.ScheduleID == schedule {
			list = append(list, d)
		}
	}
	return list
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{idle: true})
	const all, path = "/project/{p}/schedules", "/project/{p}/calendar"
	row := func(name, more string) {
		w.created(name, "manager", all, `{"template_id":{template},"name":"`+name+`","active":true,`+more+`}`)
	}
	row("often", `"cron_format":"*/5 * * * *"`)
	row("odd", `"cron_format":"0 1,2,4 * * *","timezone":"Europe/Berlin"`)
	row("dst", `"cron_format":"30 2 * * *","timezone":"Europe/Berlin"`)
	row("flood", `"cron_format":"@every 1s"`)
	row("once", `"type":"run_at","run_at":"2091-03-25T12:00:00Z"`)
	row("watch", `"cron_format":"* * * * *","repository_id":{repository}`)
	w.created("paused", "manager", all, `{"template_id":{template},"name":"paused","cron_format":"@daily","active":false}`)
	const march = "from=2091-03-24&days=3&timezone=Europe/Berlin" // the clock goes forward on the 25th

	t.Run("folds runs of a day", func(t *testing.T) {
		list := w.daysOf(w.ids["often"], march)
		require.Len(t, list, 3)
		require.Equal(t, []int{288, 276, 288}, []int{list[0].Count, list[1].Count, list[2].Count}) // the 25th has 23 hours
		require.Equal(t, int64(300), list[1].EverySeconds)
		require.Equal(t, []string{"often", "hello", "2091-03-24"}, []string{list[0].Name, list[0].TemplateName, list[0].Date})
	})
	t.Run("tells an interval where there is one", func(t *testing.T) {
		list := w.daysOf(w.ids["odd"], march)
		require.Equal(t, []int{3, 3, 3}, []int{list[0].Count, list[1].Count, list[2].Count})
		require.Zero(t, list[0].EverySeconds)
	})
	t.Run("follows the clock of the schedule", func(t *testing.T) {
		list := w.daysOf(w.ids["dst"], march)
		require.Len(t, list, 3)
		var clocks []string
		for _, d := range list {
			require.Equal(t, d.First, d.Last)
			clocks = append(clocks, d.First.In(berlin(t)).Format("02 15:04"))
		}
		require.Equal(t, []string{"24 02:30", "25 03:00", "26 02:30"}, clocks)
	})
	t.Run("stops counting", func(t *testing.T) {
		for _, d := range w.daysOf(w.ids["flood"], march) {
			require.True(t, d.More)
			require.Equal(t, int64(1), d.EverySeconds)
			require.Less(t, d.Count, 86400)
		}
	})
	t.Run("has what runs once on its day", func(t *testing.T) {
		list := w.daysOf(w.ids["once"], march)
		require.Len(t, list, 1)
		require.Equal(t, "2091-03-25", list[0].Date)
		require.Equal(t, "2091-03-26", w.daysOf(w.ids["once"], "from=2091-03-24&days=3&timezone=Pacific/Kiritimati")[0].Date)
	})
	t.Run("leaves out what has no time or is off", func(t *testing.T) {
		require.Empty(t, w.daysOf(w.ids["watch"], march))
		require.Empty(t, w.daysOf(w.ids["paused"], march))
	})
	t.Run("shows tasks of the days gone by their state", func(t *testing.T) {
		for _, name := range []string{"first", "second"} {
			w.created(name, "owner", all+"/{paused}/run", "")
		}
		task, err := w.st.Tasks().Get(t.Context(), w.ids["p"], w.ids["first"])
		require.NoError(t, err)
		// In a zone where it is noon midnight cannot lie between the two.
		zone := fmt.Sprintf("Etc/GMT%+d", task.Created.UTC().Hour()-12)
		list := w.daysOf(w.ids["paused"], "timezone="+url.QueryEscape(zone))
		require.Len(t, list, 1)
		require.Equal(t, map[string]int{string(store.Waiting): 2}, list[0].Statuses)
		require.Equal(t, w.ids["second"], list[0].TaskID, "the newest one")
		require.False(t, list[0].Last.Before(list[0].First))
		require.Equal(t, []any{2, "paused", "hello"}, []any{list[0].Count, list[0].Name, list[0].TemplateName})
		require.Empty(t, w.daysOf(w.ids["paused"], "from=2020-01-01&days=45"))
	})
	w.play([]scenario{
		{name: "it is of members", as: "stranger", method: "GET", path: path, status: 404},
		{name: "and of those who sign in", as: "nobody", method: "GET", path: path, status: 401},
		{name: "a zone that is none", method: "GET", path: path + "?timezone=Mars/Base", status: 400, contains: []string{"timezone:"}},
		{name: "that of the server is not told", method: "GET", path: path + "?timezone=Local", status: 400, contains: []string{"timezone:"}},
		{name: "a day that is none", method: "GET", path: path + "?from=soon", status: 400, contains: []string{"from:"}},
		{name: "more days than are shown", method: "GET", path: path + "?days=46", status: 400, contains: []string{"days:"}},
	})
}
