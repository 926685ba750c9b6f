package alert

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	netmail "net/mail"
	texttemplate "text/template"

	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/store"
)

//go:embed templates
var builtIn embed.FS

// MailData is what the templates of e-mails get. Names hold whatever people
// typed.
type MailData struct {
	Event      string // error, unreachable or test
	Status     string // for people: "❌ ERROR"
	Project    string
	ProjectID  int64
	Template   string
	TemplateID int64
	TaskID     int64
	Author     string
	Version    string // may be empty
	Message    string // may be empty
	Reason     string // why it ended; may be empty
	URL        string // of the task in the web UI
}

// words are parsed templates.
type words struct {
	subject, text *texttemplate.Template
	html          *htmltemplate.Template
}

// parseWords reads templates, and tries them: a server shall not find out when
// something has failed.
func parseWords(over fs.FS) (words, error) {
	var w words
	var sources [3]string
	for i, name := range []string{"mail.subject.tmpl", "mail.txt.tmpl", "mail.html.tmpl"} {
		source, err := load(over, name)
		if err != nil {
			return w, err
		}
		sources[i] = source
	}
	var errs [3]error
	w.subject, errs[0] = texttemplate.New("mail.subject.tmpl").Parse(sources[0])
	w.text, errs[1] = texttemplate.New("mail.txt.tmpl").Parse(sources[1])
	w.html, errs[2] = htmltemplate.New("mail.html.tmpl").Parse(sources[2])
	if err := errors.Join(errs[:]...); err != nil {
		return w, fmt.Errorf("parse template of e-mail: %w", err)
	}
	_, err := w.write(MailData{Event: EventError})
	return w, err
}

// load reads one template, from over if it is there.
func load(over fs.FS, name string) (string, error) {
	if over != nil {
		data, err := fs.ReadFile(over, name)
		if err == nil {
			return string(data), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("read template of e-mail: %w", err)
		}
	}
	data, err := builtIn.ReadFile("templates/" + name)
	if err != nil {
		return "", fmt.Errorf("read template of e-mail: %w", err)
	}
	return string(data), nil
}

// write makes a message without sender and recipient.
func (w words) write(d MailData) (mail.Message, error) {
	var m mail.Message
	for _, part := range []struct {
		into    *string
		execute func(io.Writer, any) error
	}{{&m.Subject, w.subject.Execute}, {&m.Text, w.text.Execute}, {&m.HTML, w.html.Execute}} {
		var b bytes.Buffer
		if err := part.execute(&b, d); err != nil {
			return m, fmt.Errorf("write e-mail: %w", err)
		}
		*part.into = b.String()
	}
	return m, nil
}

// mails lists one message for each member and administrator who wants alerts.
func (a *Alerter) mails(ctx context.Context, f facts) ([]delivery, error) {
	users, err := a.recipients(ctx, f.project.ID)
	if err != nil {
		return nil, err
	}
	m, err := a.words.write(MailData{
		Event: f.event, Status: f.label(), Project: f.project.Name, ProjectID: f.project.ID,
		Template: f.template.Name, TemplateID: f.template.ID, TaskID: f.task.ID, Author: f.author,
		Version: f.version, Message: f.task.Message, Reason: f.task.Reason, URL: f.url,
	})
	if err != nil {
		return nil, err
	}
	m.From = a.cfg.Email.From
	var list []delivery
	for _, u := range users {
		to := m
		to.To = []string{(&netmail.Address{Name: u.Name, Address: u.Email}).String()}
		name := fmt.Sprintf("%s:%d", nameEmail, u.ID)
		list = append(list, delivery{name, func(ctx context.Context) error {
			err := a.cfg.Mail.Send(ctx, to)
			switch {
			case errors.Is(err, mail.ErrRejected):
				return &refusal{fmt.Errorf("%s: %w", name, err)}
			case err != nil:
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}})
	}
	return list, nil
}

// recipients are members of the project and administrators, each once.
func (a *Alerter) recipients(ctx context.Context, project int64) ([]store.User, error) {
	members, err := a.cfg.Store.Projects().Members().List(ctx, project, store.Query{Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("members of project: %w", err)
	}
	belongs := map[int64]bool{}
	for _, m := range members.Items {
		belongs[m.UserID] = true
	}
	wanting, err := a.cfg.Store.Users().List(ctx, 0, store.Query{Where: map[string]any{"alert": true}, Limit: -1})
	if err != nil {
		return nil, fmt.Errorf("users who want alerts: %w", err)
	}
	var list []store.User
	for _, u := range wanting.Items {
		if u.Email != "" && (u.Admin || belongs[u.ID]) {
			list = append(list, u)
		}
	}
	return list, nil
}
