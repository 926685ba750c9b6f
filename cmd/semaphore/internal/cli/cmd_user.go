package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/store"
)

// userOptions are the flags of the commands about users. A command has those
// that it needs.
type userOptions struct {
	global       *globalFlags
	login        string
	name         string
	email        string
	password     string
	passwordFile string
	admin        bool
	external     bool
}

// userDesk is what a command about users works with.
type userDesk struct {
	cfg  *config.Config
	st   store.Store
	in   *asker
	out  io.Writer
	errs io.Writer
	cost int // of password hashes; 0 is the default
}

// open reads the configuration and opens the database.
func (o userOptions) open(ctx context.Context, streams Streams) (*userDesk, error) {
	cfg, _, err := o.global.load(streams.Err)
	if err != nil {
		return nil, err
	}
	st, err := openStore(ctx, cfg, streams.Err)
	if err != nil {
		return nil, err
	}
	return &userDesk{cfg: cfg, st: st, in: &asker{in: streams.In, out: streams.Err}, out: streams.Out, errs: streams.Err, cost: streams.hashCost}, nil
}

// auth is sign-in as the server has it. Second factors can be prepared before
// the server asks for them.
func (d *userDesk) auth(ctx context.Context) (*auth.Service, error) {
	ring, err := openRing(ctx, d.cfg, d.st, d.errs)
	if err != nil {
		return nil, err
	}
	return auth.New(d.st, auth.Config{
		Ring: ring, MinPassword: d.cfg.MinPasswordLength, BcryptCost: d.cost, TOTP: true, TOTPIssuer: d.cfg.Auth.TOTP.AppName,
		AllowRecovery: d.cfg.Auth.TOTP.AllowRecovery, Log: newLog(d.cfg, d.errs),
	})
}

// find returns the user of --login or --email.
func (d *userDesk) find(ctx context.Context, login, email string) (store.User, error) {
	where := map[string]any{}
	switch {
	case login != "" && email != "":
		return store.User{}, usage("--login and --email exclude each other")
	case login != "":
		where["username"] = login
	case email != "":
		where["email"] = email
	default:
		return store.User{}, usage("--login or --email is needed")
	}
	page, err := d.st.Users().List(ctx, 0, store.Query{Where: where, Limit: 1})
	if err != nil {
		return store.User{}, fmt.Errorf("find user: %w", err)
	}
	if len(page.Items) == 0 {
		return store.User{}, fmt.Errorf("no user has the login or address %s: 'semaphore user list' shows all", login+email)
	}
	return page.Items[0], nil
}

// newPassword reads a new password from the flag, the file, or the first line
// of the input; on a terminal it asks for it.
func (o userOptions) newPassword(in *asker) (string, error) {
	switch {
	case o.password != "" && o.passwordFile != "":
		return "", usage("--password and --password-file exclude each other")
	case o.password != "":
		return o.password, nil
	case o.passwordFile != "":
		secret, err := secretFile("--password-file", o.passwordFile)
		return secret.Reveal(), err
	}
	return in.password("Password")
}

// password reads one line; on a terminal it is not shown.
func (a *asker) password(what string) (string, error) {
	if isTerminal(a.in) {
		secret, err := a.secret(what)
		return secret.Reveal(), err
	}
	text, ok := a.raw()
	if !ok || text == "" {
		return "", usage("a password is needed: give it in --password-file, or as the first line of the input")
	}
	return text, nil
}

// raw reads one line with its spaces; "" with false at the end.
func (a *asker) raw() (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reader == nil {
		a.reader = bufio.NewReader(a.in)
	}
	text, err := a.reader.ReadString('\n')
	if err != nil && text == "" {
		return "", false
	}
	return strings.TrimRight(text, "\r\n"), true
}

// withUsers runs f on an opened database.
func withUsers(opts *userOptions, streams Streams, f func(ctx context.Context, d *userDesk) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		d, err := opts.open(cmd.Context(), streams)
		if err != nil {
			return err
		}
		return errors.Join(f(cmd.Context(), d), d.st.Close())
	}
}

// record writes what was done to a user into the audit log.
func record(ctx context.Context, tx store.Store, u store.User, what string) error {
	err := tx.Events().Add(ctx, store.Event{ObjectID: &u.ID, ObjectType: store.EventUser, Description: fmt.Sprintf("User %s %s by the command line", u.Username, what)})
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}
