package stage_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/pool/internal/stage"
)

var update = flag.Bool("update", false, "write the golden files")

var epoch = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

// feeder gives a parser lines, one a second.
type feeder struct {
	stage.Parser
	number int64
}

func (f *feeder) now() time.Time { return epoch.Add(time.Duration(f.number) * time.Second) }

func (f *feeder) feed(text string) {
	for line := range strings.Lines(text) {
		f.number++
		f.Line(stage.Line{Number: f.number, Time: f.now(), Text: strings.TrimSuffix(line, "\n")})
	}
}

func (f *feeder) phase(name string) {
	f.Phase(name, f.now())
	f.number++
	f.Line(stage.Line{Number: f.number, Time: f.now(), System: true, Text: "TASK [of the system] ***"})
}

func newFeeder(app string) *feeder { return &feeder{Parser: stage.New(app)} }

// TestGolden feeds outputs of real tools: ansible-core 2.14 and Terraform 1.11,
// and some written after other versions' (old, announced, terragrunt). A name
// that ends in ":" is a phase.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		app   string
		parts string
	}{
		"ansible_colour":           {"ansible", "prepare: repository: run: ansible_colour finish:"},
		"ansible_vvv":              {"ansible", "run: ansible_vvv finish:"},
		"ansible_yaml":             {"ansible", "run: ansible_yaml finish:"},
		"ansible_check":            {"ansible", "run: ansible_check finish:"},
		"ansible_module":           {"ansible", "run: ansible_module finish:"},
		"ansible_syntax":           {"ansible", "run: ansible_syntax finish:"},
		"ansible_old":              {"ansible", "run: ansible_old finish:"},
		"ansible_announced":        {"ansible", "ansible_announced"},
		"terraform_apply":          {"terraform", "prepare: init: terraform_init plan: terraform_plan confirm: apply: terraform_apply finish:"},
		"terraform_nochange":       {"terraform", "init: terraform_init plan: terraform_nochange finish:"},
		"terraform_outputs":        {"tofu", "init: terraform_init plan: terraform_outputs finish:"},
		"terraform_planfail":       {"terraform", "plan: terraform_planfail finish:"},
		"terraform_planfail_plain": {"terraform", "plan: terraform_planfail_plain finish:"},
		"terraform_fail":           {"terraform", "apply: terraform_applyfail stop: finish:"},
		"terraform_fail_plain":     {"terraform", "apply: terraform_applyfail_plain finish:"},
		"terraform_destroy":        {"terraform", "apply: terraform_destroy finish:"},
		"terragrunt":               {"terragrunt", "plan: terragrunt finish:"},
		"script":                   {"bash", "prepare: run: terraform_planfail ansible_colour stop: finish:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newFeeder(test.app)
			for _, part := range strings.Fields(test.parts) {
				if phase, ok := strings.CutSuffix(part, ":"); ok {
					p.phase(phase)
					continue
				}
				text, err := os.ReadFile(filepath.Join("testdata", part+".txt"))
				require.NoError(t, err)
				p.feed(string(text))
			}
			p.Close(p.now())
			got, err := json.MarshalIndent(p.Result(), "", "  ")
			require.NoError(t, err)
			golden := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got))
		})
	}
}
