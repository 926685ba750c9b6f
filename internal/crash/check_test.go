package crash_test

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/store"
)

// epoch is the zero of the times in this file, which are in milliseconds.
var epoch = time.UnixMilli(1_700_000_000_000)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

func ptr(ms int) *time.Time {
	t := at(ms)
	return &t
}

// ran is a run of two lines that began and ended at these times; last says how.
func ran(task int64, attempt, from, to int, last crash.Kind) []crash.Event {
	return []crash.Event{
		{Task: task, Attempt: attempt, Kind: crash.Started, At: at(from)},
		{Task: task, Attempt: attempt, Kind: last, At: at(to)},
	}
}

// logged is the output of an attempt from line number from on.
func logged(from, attempt int, texts ...string) []store.LogLine {
	var list []store.LogLine
	for i, text := range texts {
		list = append(list, store.LogLine{Number: int64(from + i), Attempt: attempt, Text: fmt.Sprintf("out %d %s", attempt, text)})
	}
	return list
}

// good is evidence without a fault: task 1 succeeded, task 2 was hit by the kill
// at 150 and retried, task 3 was hit and is lost.
func good() crash.Evidence {
	record := func(id int64, status store.Status, attempt, end int) crash.Record {
		return crash.Record{ID: id, Lines: 2, Task: store.Task{
			ID: id, ProjectID: 1, TemplateID: id, Status: status, Attempt: attempt, Start: ptr(90), End: ptr(end),
		}}
	}
	one, two, three := record(1, store.Success, 1, 145), record(2, store.Success, 2, 310), record(3, store.Failed, 1, 190)
	two.Task.MaxRetries = 1
	three.Task.Reason = store.LostReason
	one.Output = logged(0, 1, "1", "2", "done")
	one.Seen = one.Output[:2]
	two.Output = append(logged(0, 1, "1"), logged(1, 2, "1", "2", "done")...)
	var events []crash.Event
	events = append(events, ran(1, 1, 100, 140, crash.Ended)...)
	events = append(events, ran(2, 1, 110, 160, crash.Aborted)...)
	events = append(events, ran(3, 1, 120, 155, crash.Aborted)...)
	events = append(events, ran(2, 2, 200, 300, crash.Ended)...)
	return crash.Evidence{
		Tasks: []crash.Record{one, two, three}, Events: events, Kills: []crash.Kill{{At: at(150)}},
		LastStart: at(170), Over: at(320), Patience: time.Second, MaxParallel: 3, PerProject: map[int64]int{1: 3}, MinHits: 0.5,
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	require.Empty(t, crash.Check(good()))
	for name, c := range map[string]struct {
		spoil func(e *crash.Evidence)
		rule  crash.Rule
	}{
		"a task is gone":                {func(e *crash.Evidence) { e.Tasks[0].Task = store.Task{} }, crash.NothingLost},
		"a task never ends":             {func(e *crash.Evidence) { e.Tasks[0].Task.Status = store.Waiting }, crash.NothingLost},
		"the last task takes too long":  {func(e *crash.Evidence) { e.Patience = 100 * time.Millisecond }, crash.NothingLost},
		"a retry is left and not taken": {func(e *crash.Evidence) { e.Tasks[2].Task.MaxRetries = 1 }, crash.NothingLost},
		"an attempt runs twice":         {func(e *crash.Evidence) { e.Events = append(e.Events, ran(1, 1, 141, 142, crash.Ticked)...) }, crash.NothingTwice},
		"an attempt too many":           {func(e *crash.Evidence) { e.Tasks[1].Task.MaxRetries = 0 }, crash.NothingTwice},
		"a run too many, the first attempt never having begun": {func(e *crash.Evidence) {
			e.Tasks[1].Task.MaxRetries = 0
			e.Events[2].Attempt, e.Events[3].Attempt = 2, 2
			e.Events[6].Attempt, e.Events[7].Attempt = 3, 3
			e.Tasks[1].Task.Attempt = 3
		}, crash.NothingTwice},
		"another attempt without a kill":    {func(e *crash.Evidence) { e.Kills[0].At = at(205) }, crash.NothingTwice},
		"a run of a task that nobody added": {func(e *crash.Evidence) { e.Events = append(e.Events, ran(9, 1, 1, 2, crash.Ended)...) }, crash.NothingTwice},
		"attempts overlap":                  {func(e *crash.Evidence) { e.Events[3].At = at(201) }, crash.NoOverlap},
		"too many at once in all":           {func(e *crash.Evidence) { e.MaxParallel = 2 }, crash.LimitsHold},
		"too many at once in a project":     {func(e *crash.Evidence) { e.PerProject[1] = 2 }, crash.LimitsHold},
		"two at once of an exclusive one":   {func(e *crash.Evidence) { spoilTemplate(e) }, crash.LimitsHold},
		"a run outlives its task":           {func(e *crash.Evidence) { e.Events[1].At = at(148) }, crash.EndIsTheEnd},
		"success without a run":             {func(e *crash.Evidence) { e.Events = e.Events[2:] }, crash.StatusIsTrue},
		"success without an end":            {func(e *crash.Evidence) { e.Events[1].Kind = crash.Ticked }, crash.StatusIsTrue},
		"success of the attempt before":     {func(e *crash.Evidence) { e.Tasks[1].Task.Attempt = 3; e.Tasks[1].Task.MaxRetries = 2 }, crash.StatusIsTrue},
		"stopped without being asked":       {func(e *crash.Evidence) { e.Tasks[2].Task.Status = store.Stopped }, crash.StatusIsTrue},
		"an error that nobody caused":       {func(e *crash.Evidence) { e.Tasks[2].Task.Reason = "exit code 1" }, crash.StatusIsTrue},
		"lost without a kill":               {func(e *crash.Evidence) { e.Kills = nil; e.Tasks = append(e.Tasks[:1], e.Tasks[2]) }, crash.StatusIsTrue},
		"a line is missing":                 {func(e *crash.Evidence) { e.Tasks[0].Output = logged(0, 1, "1", "done") }, crash.OutputIsWhole},
		"the last line is missing":          {func(e *crash.Evidence) { e.Tasks[0].Output = logged(0, 1, "1", "2") }, crash.OutputIsWhole},
		"a line is there twice":             {func(e *crash.Evidence) { e.Tasks[0].Output = logged(0, 1, "1", "1", "2", "done") }, crash.OutputIsWhole},
		"line numbers have a gap":           {func(e *crash.Evidence) { e.Tasks[0].Output[2].Number = 3 }, crash.OutputIsWhole},
		"attempts are out of order": {func(e *crash.Evidence) {
			e.Tasks[1].Output = append(logged(0, 2, "1", "2", "done"), logged(3, 1, "1")...)
		}, crash.OutputIsWhole},
		"a line that was shown has gone":           {func(e *crash.Evidence) { e.Tasks[2].Seen = logged(0, 1, "1") }, crash.OutputIsWhole},
		"a line that was shown has changed":        {func(e *crash.Evidence) { e.Tasks[1].Seen = logged(0, 1, "2") }, crash.OutputIsWhole},
		"a reader was shown lines in a muddle":     {func(e *crash.Evidence) { e.Tasks[0].Seen = logged(1, 1, "2") }, crash.OutputIsWhole},
		"a process is left":                        {func(e *crash.Evidence) { e.Left = []string{"sleep"} }, crash.NothingLeft},
		"kills that hit nothing":                   {func(e *crash.Evidence) { e.Kills = append(e.Kills, crash.Kill{At: at(1)}, crash.Kill{At: at(2)}) }, crash.KillsHit},
		"lost although another program was killed": {func(e *crash.Evidence) { elsewhere(e) }, crash.StatusIsTrue},
		"lost with the database":                   {func(e *crash.Evidence) { e.Kills[0].Spare = true }, crash.StatusIsTrue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := good()
			c.spoil(&e)
			rules := map[crash.Rule]bool{}
			for _, f := range crash.Check(e) {
				rules[f.Rule] = true
			}
			require.True(t, rules[c.rule], "reported: %v", rules)
		})
	}
}

// elsewhere makes the runs those of one program and the kill that of another.
func elsewhere(e *crash.Evidence) {
	for i := range e.Events {
		e.Events[i].Where = "here"
	}
	e.Kills[0].Where = "there"
}

// spoilTemplate makes two tasks that ran at once be of one exclusive template.
func spoilTemplate(e *crash.Evidence) {
	for i := range e.Tasks[:2] {
		e.Tasks[i].Exclusive, e.Tasks[i].Task.TemplateID = true, 7
	}
}

func TestHits(t *testing.T) {
	t.Parallel()
	e := good()
	require.Equal(t, 1, crash.Hits([]crash.Kill{{At: at(150)}}, e.Events))
	require.Equal(t, 0, crash.Hits([]crash.Kill{{At: at(99)}, {At: at(301)}}, e.Events))
	require.Equal(t, 1, crash.Hits([]crash.Kill{{At: at(130)}, {At: at(158)}}, e.Events), "the second one finds nothing that the first one has left")
	require.Equal(t, 2, crash.Hits([]crash.Kill{{At: at(130), Spare: true}, {At: at(158)}}, e.Events), "what ends no task leaves it to the next")
	require.Equal(t, 0, crash.Hits([]crash.Kill{{At: at(150), Where: "elsewhere"}}, e.Events))
}

func TestParseEvents(t *testing.T) {
	t.Parallel()
	events, err := crash.ParseEvents("7,2,start,7-2-ab,1700000000000123\n7,2,end,7-2-ab,1700000000")
	require.NoError(t, err)
	require.Equal(t, []crash.Event{{Task: 7, Attempt: 2, Kind: crash.Started, Marker: "7-2-ab", At: time.UnixMicro(1700000000000123)}}, events)
	events, err = crash.ParseEvents("7,2,end,7-2-ab,1,runner 1\n")
	require.NoError(t, err)
	require.Equal(t, "runner 1", events[0].Where)
	for _, text := range []string{"\n", "7,2,start,m\n", "x,2,start,m,1\n", "7,x,start,m,1\n", "7,2,start,m,x\n"} {
		_, err := crash.ParseEvents(text)
		require.Error(t, err, text)
	}
}

func TestTheScriptIsBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	out, err := exec.CommandContext(t.Context(), bash, "-n", "testdata/task.sh").CombinedOutput()
	require.NoError(t, err, string(out))
}
