package stage

import "strings"

// block is an error whose text goes on over several lines.
type block struct {
	gather
	index int // of the error; its text is set in the end
	kind  blockKind
	item  string
}

type blockKind uint8

const (
	blockJSON blockKind = iota // up to a line "}"
	blockYAML                  // as long as lines are indented
	blockText                  // up to a line that means something else
)

// takes tells whether a line belongs to the block.
func (b *block) takes(head string) bool {
	switch b.kind {
	case blockJSON:
		return head != "" && (head[0] == ' ' || head[0] == '}')
	case blockYAML:
		return head != "" && head[0] == ' '
	default:
		for _, prefix := range []string{
			"PLAY ", "TASK [", "RUNNING HANDLER [", "fatal: [", "failed: [", "ok: [", "changed: [", "skipping: [",
			"included: ", "...ignoring", "ERROR! ", "[ERROR]: ", "[WARNING]: ", "[DEPRECATION WARNING]: ",
		} {
			if strings.HasPrefix(head, prefix) {
				return false
			}
		}
		return true
	}
}

// continueBlock adds a line and ends the block where that was its last.
func (p *ansible) continueBlock(line string) {
	if b := p.many; !b.add(line) || b.kind == blockJSON && line == "}" || b.kind == blockText && b.size > 4*MaxErrorText {
		p.finishBlock()
	}
}

func (p *ansible) finishBlock() {
	b := p.many
	if b == nil {
		return
	}
	p.many = nil
	text := strings.Join(b.lines, "\n")
	switch b.kind {
	case blockJSON:
		text = jsonText(text)
	case blockYAML:
		text = yamlText(b.lines)
	}
	if text = withItem(b.item, text); text != "" {
		p.errors[b.index].Text = text
		p.changed = true
	}
}

func withItem(item, text string) string {
	if item != "" {
		text = "(item=" + clean(item, 100) + ") " + text
	}
	return clean(text, MaxErrorText)
}

// failure reads "fatal: [host]: FAILED! => {...}" and its like.
func (p *ansible) failure(head string, l Line) {
	var host, body, item string
	var ok bool
	if rest, found := strings.CutPrefix(head, "fatal: ["); found {
		if host, body, ok = strings.Cut(rest, "]: FAILED!"); !ok {
			host, body, ok = strings.Cut(rest, "]: UNREACHABLE!")
		}
	} else if rest, found := strings.CutPrefix(head, "failed: ["); found {
		if host, body, ok = strings.Cut(rest, "] (item="); ok {
			item, body, ok = strings.Cut(body, ") => ")
			body = " => " + body
		} else {
			host, body, ok = strings.Cut(rest, "]")
		}
	}
	if !ok {
		return
	}
	host, _, _ = strings.Cut(host, " -> ") // the host that it was delegated to
	body = strings.TrimPrefix(strip(body), " =>")
	body = strings.TrimPrefix(body, " ")

	e := Error{Host: host, Task: p.task, Text: withItem(item, "failed"), Line: l.Number}
	b := &block{kind: blockYAML, item: item}
	switch {
	case body == "{":
		b.kind = blockJSON
		b.add(body)
	case strings.HasPrefix(body, "{"):
		if b = nil; len(p.errors) < MaxErrors { // else the work would be for nothing
			e.Text = withItem(item, jsonText(body))
		}
	case body != "": // "changed=false", with the rest in the lines that follow
		b.add("  " + body)
	}
	index := p.addFailure(e)
	if p.many = nil; b != nil && index >= 0 {
		b.index, p.many = index, b
	}
}

// addFailure puts a failure in the place of its announcement, if it had one.
func (p *ansible) addFailure(e Error) int {
	if p.announced >= 0 && p.announced == len(p.errors)-1 {
		p.errors = p.errors[:p.announced]
	}
	p.announced = -1
	i := p.addError(e)
	p.lost = p.lost || i < 0
	return i
}

// message reads "ERROR! ..." and "[ERROR]: ...", which are about no host. Since
// ansible-core 2.19 the latter also announces each failure of a task.
func (p *ansible) message(head string, l Line) {
	text, ok := strings.CutPrefix(head, "ERROR! ")
	if !ok {
		if text, ok = strings.CutPrefix(head, "[ERROR]: "); !ok {
			return
		}
	}
	text = strip(text)
	i := p.addError(Error{Task: p.task, Text: text, Line: l.Number})
	if i < 0 {
		p.lost = true
		return
	}
	if p.task != "" && head[0] == '[' {
		p.announced = i
	}
	p.many = &block{kind: blockText, index: i}
	p.many.add(text)
}

// resultHost returns the host of a line such as "ok: [host] => (item=x)".
func resultHost(line string) string {
	word, rest, ok := strings.Cut(limitBytes(skipColours(line), 4*MaxName), ": [")
	if !ok || len(word) > len("skipping") {
		return ""
	}
	host, _, ok := strings.Cut(rest, "]")
	if !ok {
		return ""
	}
	host, _, _ = strings.Cut(host, " -> ")
	return clean(host, MaxName)
}
