package stage

import (
	"slices"
	"strings"
	"time"
)

// ansible reads the output of ansible-playbook with its default callback, in
// any verbosity, with results as JSON or YAML.
type ansible struct {
	tracker
	task string // name of the current task, also where its stage found no room

	first     int    // index of the current task's first error
	lost      bool   // an error of the current task found no room
	announced int    // index of an error that the next failure repeats with its host, or -1
	previous  string // the line before, of the tool
	many      *block // an error whose text goes on in the next lines
	recap     recapState
}

type recapState uint8

const (
	noRecap     recapState = iota
	recapStarts            // the banner was seen
	recapHosts             // a host was seen
)

// Line takes the next line of output.
func (p *ansible) Line(l Line) {
	p.before(l)
	if !l.System {
		p.parse(l)
		p.previous = l.Text
	}
	p.after(l)
}

// Phase ends what the phase before has left open.
func (p *ansible) Phase(name string, at time.Time) {
	p.finishBlock()
	p.endRecap()
	p.tracker.Phase(name, at)
}

// Close ends what is still open.
func (p *ansible) Close(at time.Time) {
	p.finishBlock()
	p.endRecap()
	p.tracker.Close(at)
}

func (p *ansible) parse(l Line) {
	head := skipColours(l.Text)
	if p.many != nil {
		if p.many.takes(head) {
			p.continueBlock(strip(head))
			return
		}
		p.finishBlock()
	}
	if p.recap != noRecap && p.recapLine(head) {
		return
	}
	if head == "" {
		return
	}
	switch head[0] { // most lines are turned away here
	case 'P', 'T', 'R':
		p.banner(head, l)
	case 'f':
		p.failure(head, l)
	case 'E', '[':
		p.message(head, l)
	case '.':
		if strings.HasPrefix(head, "...ignoring") {
			p.ignore()
		}
	}
}

// banner opens the stage that a line such as "TASK [name] ****" announces.
func (p *ansible) banner(head string, l Line) {
	if !strings.HasPrefix(head, "PLAY ") && !strings.HasPrefix(head, "TASK [") && !strings.HasPrefix(head, "RUNNING HANDLER [") {
		return
	}
	text, ok := strings.CutSuffix(strip(head), "***")
	if !ok {
		return
	}
	text = strings.TrimRight(text, "*")
	text = strings.TrimSuffix(strings.TrimRight(text, " "), " [CHECK MODE]")
	if text == "PLAY RECAP" {
		p.nextTask("")
		p.begin(levelPhase, PrintResult, "", l)
		p.recap = recapStarts
		return
	}
	kind, name, named := strings.Cut(text, " [")
	if name, ok = strings.CutSuffix(name, "]"); ok != named {
		return
	}
	switch {
	case kind == "PLAY":
		p.nextTask("")
		p.run(l)
		p.begin(levelPlay, Play, name, l)
	case named && (kind == "TASK" || kind == "RUNNING HANDLER"):
		p.nextTask(name)
		p.run(l)
		p.begin(levelTask, Task, name, l)
	}
}

// run sees to an open Running stage.
func (p *ansible) run(l Line) {
	if p.phase() != Running {
		p.begin(levelPhase, Running, "", l)
	}
}

func (p *ansible) nextTask(name string) {
	p.task, p.first, p.lost, p.announced = name, len(p.errors), false, -1
}

// ignore takes back the errors of the host whose failure is being ignored. In a
// loop that is the host of the line before; else the latest that failed.
func (p *ansible) ignore() {
	own := p.errors[p.first:]
	of := func(host string) func(Error) bool { return func(e Error) bool { return e.Host == host } }
	host := resultHost(p.previous)
	if host == "" || !slices.ContainsFunc(own, of(host)) {
		if len(own) == 0 || p.lost {
			return
		}
		host = own[len(own)-1].Host
	}
	p.errors = p.errors[:p.first+len(slices.DeleteFunc(own, of(host)))]
	p.announced, p.changed = -1, true
}
