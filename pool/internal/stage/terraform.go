package stage

import (
	"strconv"
	"strings"
	"time"
)

// terraform reads the output of Terraform, OpenTofu and Terragrunt.
type terraform struct {
	tracker
	wrapped bool // lines of the tool may stand behind Terragrunt's prefix

	inBox   bool        // between the lines that frame a warning or an error
	current *diagnostic // the error that is being read
	counted int         // index + 1 of the stage that sums belong to
	sums    map[string]int
}

// Line takes the next line of output.
func (p *terraform) Line(l Line) {
	p.before(l)
	if !l.System {
		text := l.Text
		if p.wrapped {
			text = unwrap(text)
		}
		p.parse(skipColours(text), l)
	}
	p.after(l)
}

// Phase ends what the phase before has left open.
func (p *terraform) Phase(name string, at time.Time) {
	p.finishError()
	p.tracker.Phase(name, at)
}

// Close ends what is still open.
func (p *terraform) Close(at time.Time) {
	p.finishError()
	p.tracker.Close(at)
}

func (p *terraform) parse(head string, l Line) {
	if p.inBox {
		if inner, ok := strings.CutPrefix(head, "│"); ok {
			p.boxLine(strip(inner), l)
			return
		}
		p.finishError()
	}
	if head == "" {
		if p.current != nil {
			p.current.add("")
		}
		return
	}
	switch head[0] { // most lines are turned away here
	case 'P', 'N', 'Y', 'A', 'D', 'R', 'W', 'E', "╷"[0]:
		if p.mark(strip(head), l) {
			return
		}
	}
	if p.current != nil {
		p.current.add(strip(head))
	}
}

// mark reads the lines that say something by themselves.
func (p *terraform) mark(text string, l Line) bool {
	switch {
	case strings.HasPrefix(text, "Plan: "):
		p.planned(strings.TrimPrefix(text, "Plan: "))
	case strings.HasPrefix(text, "No changes."), strings.HasPrefix(text, "You can apply this plan to save"):
		p.planned("")
	case strings.HasPrefix(text, "Apply complete! Resources: "), strings.HasPrefix(text, "Destroy complete! Resources: "):
		_, counts, _ := strings.Cut(text, "Resources: ")
		p.applied(counts)
	case strings.HasPrefix(text, "Error: "):
		p.finishError()
		p.startError(strings.TrimPrefix(text, "Error: "), l)
		return true
	case text == "╷":
		p.finishError()
		p.inBox = true
		return true
	case strings.HasPrefix(text, "Warning: "), strings.HasPrefix(text, "Releasing state lock"):
	default:
		return false
	}
	p.finishError()
	return true
}

type planSums struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Destroy int `json:"destroy"`
	Import  int `json:"import,omitempty"`
	Forget  int `json:"forget,omitempty"`
}

type applySums struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Destroyed int `json:"destroyed"`
	Imported  int `json:"imported,omitempty"`
}

// planned gives the plan's stage its sums. An apply without a saved plan prints
// such a line too; there it is none of its results.
func (p *terraform) planned(counts string) {
	if p.phase() == Plan {
		n := p.count(counts)
		p.setResult(planSums{n["add"], n["change"], n["destroy"], n["import"], n["forget"]})
	}
}

func (p *terraform) applied(counts string) {
	if p.phase() == Apply {
		n := p.count(counts)
		p.setResult(applySums{n["added"], n["changed"], n["destroyed"], n["imported"]})
	}
}

// count reads "1 to add, 0 to change, 2 to destroy." by the last word of each
// part. Terragrunt may run several modules in a stage: theirs are added up.
func (p *terraform) count(counts string) map[string]int {
	if !p.wrapped || p.counted != p.open[levelPhase] {
		p.counted, p.sums = p.open[levelPhase], map[string]int{}
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(limitBytes(counts, MaxName), "."), ",") {
		words := strings.Fields(part)
		if len(words) < 2 {
			continue
		}
		if n, err := strconv.ParseInt(words[0], 10, 32); err == nil && n > 0 {
			switch word := words[len(words)-1]; word {
			case "add", "change", "destroy", "import", "forget", "added", "changed", "destroyed", "imported":
				p.sums[word] += int(n)
			}
		}
	}
	return p.sums
}

// unwrap returns what the tool wrote behind Terragrunt's prefix: a time, a level
// and the module in newer versions, the module in brackets in older ones.
func unwrap(text string) string {
	head := skipColours(text)
	if head == "" || head[0] != '[' && (head[0] < '0' || head[0] > '9') {
		return text
	}
	for _, tool := range []string{" terraform: ", " tofu: "} {
		if prefix, rest, ok := strings.Cut(head, tool); ok && len(prefix) <= 4*MaxName {
			return rest
		}
	}
	if head[0] == '[' {
		if _, rest, ok := strings.Cut(head, "] "); ok {
			return rest
		}
	}
	return text
}
