package stage_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool/internal/stage"
)

func hosts(errors []stage.Error) []string {
	names := []string{}
	for _, e := range errors {
		names = append(names, e.Host)
	}
	return names
}

func TestIgnoredFailuresAreTakenBack(t *testing.T) {
	t.Parallel()
	fatal := func(host string) string { return "fatal: [" + host + `]: FAILED! => {"msg": "no"}` + "\n" }
	item := func(host string) string { return "failed: [" + host + `] (item=a) => {"msg": "no"}` + "\n" }
	const task, ignoring = "TASK [x] ***\n", "...ignoring\n"
	for name, test := range map[string]struct {
		output string
		want   []string
	}{
		"only the one that is ignored":       {task + fatal("a") + fatal("b") + ignoring, []string{"a"}},
		"not those of an earlier task":       {task + fatal("a") + task + ignoring, []string{"a"}},
		"all items of the host":              {task + item("a") + item("b") + item("a") + "ok: [a] => (item=b)\n" + ignoring, []string{"b"}},
		"items of hosts that mix":            {task + item("a") + item("b") + ignoring + ignoring, []string{}},
		"a host that is gone in the loop":    {task + item("a") + "fatal: [b]: UNREACHABLE! => {}\nchanged: [a] => (item=b)\n" + ignoring, []string{"b"}},
		"an item that was delegated":         {task + "failed: [a -> c] (item=a) => {}\nok: [a -> c] => (item=b)\n" + ignoring, []string{}},
		"a failure over several lines":       {task + "fatal: [a]: FAILED! => {\n    \"msg\": \"no\"\n}\n" + ignoring + fatal("b"), []string{"b"}},
		"nothing to take back":               {ignoring + task + ignoring, []string{}},
		"a message stays":                    {"ERROR! no such thing\n" + task + fatal("a") + ignoring, []string{""}},
		"without a task":                     {fatal("a") + "ok: [a]\n", []string{"a"}},
		"what looks like one of git is none": {"fatal: not a git repository\nfatal: [odd\nfailed: [x\n", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFeeder("ansible")
			p.feed(test.output)
			require.Equal(t, test.want, hosts(p.Result().Errors))
		})
	}
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ app, output, want string }{
		"message and end of stderr": {"ansible", `fatal: [a]: FAILED! => {"msg": "non-zero return code", "stderr": "` + strings.Repeat("x", 2000) + `end"}`,
			"non-zero return code\n…" + strings.Repeat("x", 975) + "end"},
		"a message that is no text": {"ansible", `fatal: [a]: FAILED! => {"msg": ["a", 1]}`, `["a", 1]`},
		"no result":                 {"ansible", `fatal: [a]: FAILED!`, "failed"},
		"no message":                {"ansible", `fatal: [a]: FAILED! => {"rc": 1}`, `{"rc": 1}`},
		"module failure": {"ansible", `fatal: [a]: FAILED! => {"module_stderr": "Traceback", "msg": "MODULE FAILURE"}`,
			"MODULE FAILURE\nTraceback"},
		"characters are not cut": {"ansible", `fatal: [a]: FAILED! => {"msg": "` + strings.Repeat("ü", 1200) + `"}`, strings.Repeat("ü", 1000)},
		"control characters":     {"ansible", `fatal: [a]: FAILED! => {"msg": "a\u0000b\u001b[31m\tc"}`, "ab[31m\tc"},
		"an older yaml callback": {"ansible", "fatal: [a]: FAILED! => changed=false \n  cmd: x\n  msg: it''s\n\nmsg: no", "it''s"},
		"items":                  {"ansible", `failed: [a] (item={'a': 1}) => {"msg": "no"}`, "(item={'a': 1}) no"},
		"an unframed error ends": {"terraform", "Error: one\n\n  with a.b,\ntwo\nReleasing state lock...\nthree", "one\n  with a.b,\ntwo"},
		"a frame that is cut":    {"terraform", "╷\n│ Error: one\nother", "one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFeeder(test.app)
			p.feed(test.output)
			p.Close(p.now())
			require.Len(t, p.Result().Errors, 1)
			require.Equal(t, test.want, p.Result().Errors[0].Text)
		})
	}
}

func TestStagesFollowThePhases(t *testing.T) {
	t.Parallel()
	types := func(r stage.Results) (names []string) {
		for _, s := range r.Stages {
			names = append(names, s.Type)
		}
		return names
	}
	t.Run("without phases all is init", func(t *testing.T) {
		t.Parallel()
		p := newFeeder("bash")
		require.Empty(t, p.Result().Stages)
		p.feed("a\nb\n")
		s := p.Result().Stages[0]
		require.Equal(t, stage.Stage{Type: stage.Init, Start: epoch.Add(1e9), FirstLine: 1, LastLine: 2}, s)
	})
	t.Run("a phase of the same stage continues it", func(t *testing.T) {
		t.Parallel()
		p := newFeeder("terraform")
		for _, name := range []string{"prepare", "repository", "init", "plan", "plan", "stop", "unknown", "confirm", "confirm", "repository", "apply", "finish"} {
			p.phase(name)
		}
		require.Equal(t, []string{stage.Init, stage.Plan, stage.Init, stage.Apply}, types(p.Result()))
	})
	t.Run("a stage without lines says so", func(t *testing.T) {
		t.Parallel()
		p := stage.New("bash")
		p.Phase("init", epoch)
		p.Phase("run", epoch.Add(1e9))
		p.Close(epoch.Add(2e9))
		for _, s := range p.Result().Stages {
			require.Less(t, s.LastLine, s.FirstLine)
			require.Equal(t, int64(1e9), s.End.Sub(s.Start).Nanoseconds())
		}
	})
	t.Run("lines of the system are no output", func(t *testing.T) {
		t.Parallel()
		p := newFeeder("ansible")
		p.phase("run") // its line looks like a task
		p.feed("PLAY [a] ***\n")
		require.Equal(t, []string{stage.Running, stage.Play}, types(p.Result()))
	})
}

func TestChanged(t *testing.T) {
	t.Parallel()
	p := newFeeder("ansible")
	changes := func(output string) bool {
		p.feed(output)
		changed := p.Changed()
		before := p.Result()
		require.False(t, p.Changed())
		for i := range before.Errors { // a copy: this reaches nobody
			before.Errors[i].Text = "other"
		}
		return changed
	}
	require.False(t, p.Changed())
	require.True(t, changes("first\n"))
	require.False(t, changes("ok: [a]\nTASK [no stars]\nPLAY\n"))
	require.True(t, changes("PLAY [a] ***\n"))
	require.True(t, changes("TASK [a] ***\n"))
	require.True(t, changes("fatal: [a]: FAILED! => {}\n"))
	require.True(t, changes("...ignoring\n"))
	require.False(t, changes("...ignoring\n"))
	require.True(t, changes("PLAY RECAP ***\n"))
	require.True(t, changes("a : ok=1 changed=x failed=-1\n"))
	require.True(t, changes("\n"), "the recap's sums")
	p.Close(p.now())
	require.True(t, p.Changed())
	p.Result()
	p.Close(p.now())
	require.False(t, p.Changed())
}

func TestBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 300)
	p := newFeeder("ansible")
	p.feed("PLAY [" + long + "] ***\n")
	for i := range stage.MaxStages + 100 {
		p.feed(fmt.Sprintf("TASK [%s%d] ***\nfatal: [%s%d]: FAILED! => {}\n", long, i, long, i))
	}
	p.feed("...ignoring\nPLAY RECAP ***\n")
	for i := range stage.MaxHosts + 100 {
		p.feed(fmt.Sprintf("h%d : ok=1\n", i))
	}
	p.feed("h0 : ok=7\n")
	p.Close(p.now())
	r := p.Result()
	require.True(t, r.Truncated)
	require.LessOrEqual(t, len(r.Stages), stage.MaxStages)
	require.Equal(t, stage.PrintResult, r.Stages[len(r.Stages)-1].Type, "the end is not crowded out")
	require.Len(t, r.Errors, stage.MaxErrors)
	require.Len(t, r.Hosts, stage.MaxHosts)
	require.Equal(t, 7, r.Hosts[0].OK)
	require.Equal(t, stage.MaxName, utf8.RuneCountInString(r.Stages[2].Name))
	require.Equal(t, stage.MaxName, utf8.RuneCountInString(r.Errors[0].Host))
}
