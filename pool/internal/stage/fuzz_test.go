package stage_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool/internal/stage"
)

func FuzzParser(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(f, err)
	for i, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(uint8(i), string(text[:min(len(text), 3000)]))
		f.Add(uint8(0), string(text[max(0, len(text)-3000):]))
	}
	f.Add(uint8(0), "fatal: [\xff]: FAILED! => {\n\n}\n\x1b[\nPLAY RECAP ***\n : ok=\nx : ok=9999999999999999999999\n")
	f.Add(uint8(2), "╷\n│ Error: \n╷\n│\n╵\nPlan: x to add, 99999999999 to add, 1\n")
	apps := []string{"ansible", "terraform", "terragrunt", "bash"}
	phases := []string{"init", "plan", "apply", "run", "confirm", "finish"}
	f.Fuzz(func(t *testing.T, pick uint8, output string) {
		p := newFeeder(apps[int(pick)%len(apps)])
		p.phase(phases[int(pick/4)%len(phases)])
		for i, part := range strings.SplitAfter(output, "TASK") {
			p.feed(part)
			if i%7 == 3 {
				p.phase(phases[i%len(phases)])
				_ = p.Result()
			}
		}
		p.Close(p.now())
		checkResults(t, p.Result(), p.number)
	})
}

// checkResults holds whatever was found to what the package promises.
func checkResults(t *testing.T, r stage.Results, lines int64) {
	fits := func(text string, n int) {
		require.True(t, utf8.ValidString(text))
		require.NotContains(t, text, "\x00")
		require.LessOrEqual(t, utf8.RuneCountInString(text), n)
	}
	require.LessOrEqual(t, len(r.Stages), stage.MaxStages)
	for i, s := range r.Stages {
		require.Equal(t, i, s.Index)
		require.NotEmpty(t, s.Type)
		fits(s.Name, stage.MaxName)
		require.False(t, s.End.Before(s.Start))
		require.GreaterOrEqual(t, s.LastLine, s.FirstLine-1)
		require.LessOrEqual(t, s.LastLine, lines)
		require.True(t, s.Result == nil || json.Valid(s.Result))
	}
	require.LessOrEqual(t, len(r.Errors), stage.MaxErrors)
	for _, e := range r.Errors {
		fits(e.Host, stage.MaxName)
		fits(e.Task, stage.MaxName)
		fits(e.Text, stage.MaxErrorText)
	}
	require.LessOrEqual(t, len(r.Hosts), stage.MaxHosts)
	for _, h := range r.Hosts {
		fits(h.Host, stage.MaxName)
	}
}
