package alert

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	netmail "net/mail"

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
