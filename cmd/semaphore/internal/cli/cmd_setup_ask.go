package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// setupAnswers is what setup has to know.
type setupAnswers struct {
	dialect string
	db      struct{ host, user, pass, name string }
	tmpPath string
	webHost string
	more    map[string]any // alerts and directory, as the file has them
	dir     string

	admin    store.User
	password string
}

// errNoAnswer says that the input has ended.
var errNoAnswer = errors.New("the input has ended before every question had its answer: answer them, or use --non-interactive")

// prompter asks questions, one line each.
type prompter struct {
	in  *asker
	out io.Writer
}

// ask returns the answer, or the default for an empty one.
func (p *prompter) ask(question, otherwise string) (string, error) {
	fmt.Fprint(p.out, question)
	if otherwise != "" {
		fmt.Fprintf(p.out, " (default %s)", otherwise)
	}
	fmt.Fprint(p.out, ": ")
	text, ok := p.in.line()
	if !ok {
		fmt.Fprintln(p.out)
		return "", errNoAnswer
	}
	if text == "" {
		return otherwise, nil
	}
	return text, nil
}

// must asks until there is an answer.
func (p *prompter) must(question string) (string, error) {
	for {
		text, err := p.ask(question, "")
		if err != nil || text != "" {
			return text, err
		}
	}
}

// yes asks a yes/no question; the default is no.
func (p *prompter) yes(question string) (bool, error) {
	for {
		text, err := p.ask(question+" yes/no", "no")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(text) {
		case "yes", "y":
			return true, nil
		case "no", "n":
			return false, nil
		}
		fmt.Fprintln(p.out, "yes or no?")
	}
}

// secret asks for a password; on a terminal it is not shown.
func (p *prompter) secret(question string) (string, error) {
	if isTerminal(p.in.in) {
		secret, err := p.in.secret(question)
		return secret.Reveal(), err
	}
	fmt.Fprintf(p.out, "%s: ", question)
	text, ok := p.in.raw()
	fmt.Fprintln(p.out)
	if !ok {
		return "", errNoAnswer
	}
	return text, nil
}

// ask asks for everything but the admin, in the order that scripts for
// Semaphore UI answer.
func (a *setupAnswers) ask(p *prompter, defaults *config.Config) error {
	a.more = map[string]any{}
	if err := a.askDatabase(p, defaults); err != nil {
		return err
	}
	var err error
	if a.tmpPath, err = p.ask("Playbook path", defaults.TmpPath); err != nil {
		return err
	}
	if a.webHost, err = p.ask("Public URL (optional, such as https://example.org/semaphore)", ""); err != nil {
		return err
	}
	for _, q := range setupQuestions() {
		if err := q.ask(p, a.more); err != nil {
			return err
		}
	}
	a.dir, err = p.ask("Config output directory", ".")
	return err
}

func (a *setupAnswers) askDatabase(p *prompter, defaults *config.Config) error {
	fmt.Fprint(p.out, "What database to use:\n   1 - MySQL\n   2 - BoltDB\n   3 - PostgreSQL\n   4 - SQLite\n")
	for a.dialect = ""; a.dialect == ""; {
		choice, err := p.ask("Database", "4")
		if err != nil {
			return err
		}
		switch strings.ToLower(choice) {
		case "3", "postgres", "postgresql":
			a.dialect = "postgres"
		case "4", "sqlite":
			a.dialect = "sqlite"
		case "1", "2":
			fmt.Fprintln(p.out, "MySQL and BoltDB are read by import-semaphore only: choose 3 or 4")
		default:
			fmt.Fprintln(p.out, "3 or 4?")
		}
	}
	if a.dialect == "sqlite" {
		file, err := p.ask("Database file", filepath.Join(defaults.DataDir, "semaphore.db"))
		a.db.host = file
		return err
	}
	var err error
	if a.db.host, err = p.ask("Database host and port", "127.0.0.1:5432"); err != nil {
		return err
	}
	if a.db.user, err = p.ask("Database user", "postgres"); err != nil {
		return err
	}
	if a.db.pass, err = p.secret("Database password"); err != nil {
		return err
	}
	a.db.name, err = p.ask("Database name", "semaphore")
	return err
}

// askAdmin asks for the first admin. It is done where that account exists.
func (a *setupAnswers) askAdmin(ctx context.Context, p *prompter, st store.Store) (done bool, err error) {
	for _, q := range []struct {
		question string
		field    *string
	}{{"Username", &a.admin.Username}, {"Email", &a.admin.Email}} {
		if *q.field, err = p.must(q.question); err != nil {
			return false, err
		}
		user, err := st.Users().ByLogin(ctx, *q.field)
		if err == nil {
			fmt.Fprintf(p.out, "welcome back, %s: this account exists and stays as it is\n", user.Name)
			return true, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return false, fmt.Errorf("look for the account: %w", err)
		}
	}
	if a.admin.Name, err = p.must("Your name"); err != nil {
		return false, err
	}
	a.admin.Created = time.Now()
	for {
		if a.password, err = p.secret("Password"); err != nil {
			return false, err
		}
		if n := len([]rune(a.password)); n >= setupPassword && len(a.password) <= 72 {
			return false, nil
		}
		fmt.Fprintf(p.out, "%d characters at least, and 72 bytes at most\n", setupPassword)
	}
}
