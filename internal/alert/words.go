package alert

import (
	"errors"
	"fmt"
	"html"
	"io/fs"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/alexandervashurin/semaphore/mail"
)

// words are parsed templates.
type words struct{ subject, text, html page }

// page is one template in the language of text/template, as much of it as mails
// need: {{.Field}}, if, with, eq, else and end. Values of an HTML page are
// escaped. It is walked here, because what package text/template does by
// reflection keeps every method of the program from being left out by the
// linker.
type page struct {
	tree   *parse.Tree
	escape func(string) string
	both   bool // both sides of a branch are written: a trial
}

// parseWords reads templates, and tries them: a server shall not find out when
// something has failed.
func parseWords(over fs.FS) (words, error) {
	var w words
	plain := func(s string) string { return s }
	for _, p := range []struct {
		into   *page
		name   string
		escape func(string) string
	}{{&w.subject, "mail.subject.tmpl", plain}, {&w.text, "mail.txt.tmpl", plain}, {&w.html, "mail.html.tmpl", html.EscapeString}} {
		source, err := load(over, p.name)
		if err != nil {
			return w, err
		}
		trees, err := parse.Parse(p.name, source, "{{", "}}", map[string]any{"eq": true})
		if err != nil {
			return w, fmt.Errorf("parse template of e-mail: %w", err)
		}
		if len(trees) > 1 || trees[p.name] == nil {
			return w, fmt.Errorf("parse template of e-mail: %s: it has to be one template with text", p.name)
		}
		*p.into = page{tree: trees[p.name], escape: p.escape}
		trial := page{trees[p.name], p.escape, true}
		if err := trial.write(&strings.Builder{}, trial.tree.Root, MailData{}.values(), ""); err != nil {
			return w, fmt.Errorf("template of e-mail: %s: %w", p.name, err)
		}
	}
	return w, nil
}

// write makes a message without sender and recipient.
func (w words) write(d MailData) (mail.Message, error) {
	values := d.values()
	var m mail.Message
	for _, part := range []struct {
		into *string
		page page
	}{{&m.Subject, w.subject}, {&m.Text, w.text}, {&m.HTML, w.html}} {
		var b strings.Builder
		if err := part.page.write(&b, part.page.tree.Root, values, ""); err != nil {
			return m, fmt.Errorf("write e-mail: %s: %w", part.page.tree.Name, err)
		}
		*part.into = b.String()
	}
	return m, nil
}

// values are the fields by name.
func (d MailData) values() map[string]string {
	return map[string]string{
		"Event": d.Event, "Status": d.Status, "Project": d.Project, "Template": d.Template, "Author": d.Author,
		"Version": d.Version, "Message": d.Message, "Reason": d.Reason, "URL": d.URL,
		"ProjectID": strconv.FormatInt(d.ProjectID, 10), "TemplateID": strconv.FormatInt(d.TemplateID, 10), "TaskID": strconv.FormatInt(d.TaskID, 10),
	}
}

// errTemplate tells of something that mails do not need.
var errTemplate = errors.New("only {{.Field}}, if, with, eq, else and end are known here")

// write writes a list of nodes; dot is what {{.}} stands for.
func (p page) write(b *strings.Builder, list *parse.ListNode, values map[string]string, dot string) error {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		var err error
		switch n := node.(type) {
		case *parse.TextNode:
			b.Write(n.Text)
		case *parse.CommentNode:
		case *parse.ActionNode:
			var value string
			if value, err = p.value(n.Pipe, values, dot); err == nil {
				b.WriteString(p.escape(value))
			}
		case *parse.IfNode:
			err = p.branch(b, &n.BranchNode, values, dot, false)
		case *parse.WithNode:
			err = p.branch(b, &n.BranchNode, values, dot, true)
		default:
			err = fmt.Errorf("%s: %w", n, errTemplate)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// branch writes one side of an if or with.
func (p page) branch(b *strings.Builder, n *parse.BranchNode, values map[string]string, dot string, with bool) error {
	value, err := p.value(n.Pipe, values, dot)
	if err != nil {
		return err
	}
	if value == "" || p.both {
		if err := p.write(b, n.ElseList, values, dot); err != nil || !p.both {
			return err
		}
	}
	if with {
		dot = value
	}
	return p.write(b, n.List, values, dot)
}

// value is that of a field, of the dot, of a text, or of eq: "true" or "".
func (p page) value(pipe *parse.PipeNode, values map[string]string, dot string) (string, error) {
	if len(pipe.Cmds) != 1 || len(pipe.Decl) > 0 {
		return "", fmt.Errorf("%s: %w", pipe, errTemplate)
	}
	args := pipe.Cmds[0].Args
	if name, ok := args[0].(*parse.IdentifierNode); ok && name.Ident == "eq" && len(args) == 3 {
		left, err := operand(args[1], values, dot)
		if err != nil {
			return "", err
		}
		right, err := operand(args[2], values, dot)
		if err != nil || left != right {
			return "", err
		}
		return "true", nil
	}
	if len(args) != 1 {
		return "", fmt.Errorf("%s: %w", pipe, errTemplate)
	}
	return operand(args[0], values, dot)
}

func operand(node parse.Node, values map[string]string, dot string) (string, error) {
	switch n := node.(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.StringNode:
		return n.Text, nil
	case *parse.FieldNode:
		if value, ok := values[n.Ident[0]]; ok && len(n.Ident) == 1 {
			return value, nil
		}
		return "", fmt.Errorf("there is no field %s", n)
	}
	return "", fmt.Errorf("%s: %w", node, errTemplate)
}
