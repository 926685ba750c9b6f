package stage

import "strings"

// diagnostic is an error that is being read:
//
//	│ Error: summary
//	│
//	│   with aws_instance.web,
//	│   on main.tf line 3, in resource "aws_instance" "web":
//	│    3:   ami = var.ami
//	│
//	│ details
//
// in a box, or without the box and its lines where colours are off.
type diagnostic struct {
	gather
	index int
}

// boxLine reads a line of a box; boxes hold warnings too.
func (p *terraform) boxLine(inner string, l Line) {
	inner = strings.TrimPrefix(inner, " ")
	if p.current != nil {
		p.current.add(inner)
	} else if summary, ok := strings.CutPrefix(inner, "Error: "); ok {
		p.startError(summary, l)
	}
}

func (p *terraform) startError(summary string, l Line) {
	i := p.addError(Error{Text: summary, Line: l.Number})
	if i < 0 {
		return
	}
	p.current = &diagnostic{index: i}
	p.current.add(summary)
}

// finishError ends the box or error that is open.
func (p *terraform) finishError() {
	p.inBox = false
	d := p.current
	if d == nil {
		return
	}
	p.current = nil
	var text []string
	for _, line := range d.lines {
		if address, ok := strings.CutPrefix(line, "  with "); ok && p.errors[d.index].Task == "" {
			p.errors[d.index].Task = clean(strings.TrimSuffix(address, ","), MaxName)
		}
		if line != "" {
			text = append(text, line)
		}
	}
	p.errors[d.index].Text = clean(strings.Join(text, "\n"), MaxErrorText)
	p.changed = true
}
