package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func newUserCommand(g *globalFlags, streams Streams) *cobra.Command {
	return newGroup("users", []string{"user"}, "Work on users",
		newUserAddCommand(g, streams),
		newUserGetCommand(g, streams),
		newUserListCommand(g, streams),
		newUserChangeCommand(g, streams, "change-by-login"),
		newUserChangeCommand(g, streams, "change-by-email"),
		newUserDeleteCommand(g, streams),
		newUserUnlockCommand(g, streams),
		newUserTOTPCommand(g, streams),
	)
}

func newUserAddCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := &userOptions{global: g}
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Add a user",
		Args:  noArgs,
		RunE: withUsers(opts, streams, func(ctx context.Context, d *userDesk) error {
			return addUser(ctx, *opts, d)
		}),
	}
	opts.profileFlags(cmd)
	cmd.Flags().BoolVar(&opts.external, "external", false, "the user signs in by LDAP or OpenID Connect and has no password")
	return cmd
}

func (o *userOptions) profileFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.login, "login", "", "login")
	f.StringVar(&o.name, "name", "", "name")
	f.StringVar(&o.email, "email", "", "e-mail address")
	f.StringVar(&o.password, "password", "", "password; other users of the machine can see it: better is --password-file")
	f.StringVar(&o.passwordFile, "password-file", "", "`FILE` with the password")
	f.BoolVar(&o.admin, "admin", false, "make the user an admin")
}

func addUser(ctx context.Context, opts userOptions, d *userDesk) error {
	for _, f := range []struct{ name, value string }{{"--login", opts.login}, {"--name", opts.name}, {"--email", opts.email}} {
		if strings.TrimSpace(f.value) == "" {
			return usage("%s is needed", f.name)
		}
	}
	user := store.User{
		Username: strings.TrimSpace(opts.login), Name: strings.TrimSpace(opts.name), Email: strings.TrimSpace(opts.email),
		Admin: opts.admin, External: opts.external, Created: time.Now(),
	}
	if opts.external && (opts.password != "" || opts.passwordFile != "") {
		return usage("an external user has no password: leave --password or --external out")
	}
	if !opts.external {
		password, err := opts.newPassword(d.in)
		if err != nil {
			return err
		}
		service, err := d.auth(ctx)
		if err != nil {
			return err
		}
		if user.Password, err = service.HashPassword(password); err != nil {
			return usageError{err}
		}
	}
	user, err := createUser(ctx, d.st, user)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "user %s <%s> is added\n", user.Username, user.Email)
	return nil
}

// createUser stores a user with the entry of the audit log.
func createUser(ctx context.Context, st store.Store, user store.User) (store.User, error) {
	err := st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		created, err := tx.Users().Create(ctx, user)
		if err != nil {
			return err
		}
		user = created
		return record(ctx, tx, user, "added")
	})
	if err != nil {
		return store.User{}, fmt.Errorf("add user: %w", err)
	}
	return user, nil
}

func newUserChangeCommand(g *globalFlags, streams Streams, use string) *cobra.Command {
	opts := &userOptions{global: g}
	byLogin := use == "change-by-login"
	cmd := &cobra.Command{
		Use:   use,
		Short: "Change the user with this " + strings.TrimPrefix(use, "change-by-"),
		Long: `Change what is given, and leave the rest as it is. A new password ends the
sessions of the user. --admin makes an admin, --admin=false takes that back.`,
		Args: noArgs,
	}
	opts.profileFlags(cmd)
	cmd.RunE = withUsers(opts, streams, func(ctx context.Context, d *userDesk) error {
		key := *opts
		login, email := key.login, ""
		if !byLogin {
			login, email = "", key.email
		}
		user, err := d.find(ctx, login, email)
		if err != nil {
			return err
		}
		key.over(&user, cmd.Flags().Changed("admin"))
		return changeUser(ctx, key, d, user)
	})
	return cmd
}

// over puts the flags that are given over a user.
func (o userOptions) over(u *store.User, admin bool) {
	for _, f := range []struct {
		field *string
		value string
	}{{&u.Username, o.login}, {&u.Name, o.name}, {&u.Email, o.email}} {
		if v := strings.TrimSpace(f.value); v != "" {
			*f.field = v
		}
	}
	if admin {
		u.Admin = o.admin
	}
}

func changeUser(ctx context.Context, opts userOptions, d *userDesk, user store.User) error {
	setPassword := opts.password != "" || opts.passwordFile != ""
	if setPassword && user.External {
		return usage("%s signs in by LDAP or OpenID Connect and has no password", user.Username)
	}
	var service *auth.Service
	password := ""
	if setPassword {
		var err error
		if password, err = opts.newPassword(d.in); err != nil {
			return err
		}
		if service, err = d.auth(ctx); err != nil {
			return err
		}
	}
	err := d.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
		if err := tx.Users().Update(ctx, user); err != nil {
			return err
		}
		if service != nil {
			if err := service.SetPassword(ctx, tx, user.ID, password); err != nil {
				return err
			}
		}
		return record(ctx, tx, user, "changed")
	})
	if errors.Is(err, auth.ErrPasswordShort) || errors.Is(err, auth.ErrPasswordLong) {
		return usageError{err}
	}
	if err != nil {
		return fmt.Errorf("change user: %w", err)
	}
	fmt.Fprintf(d.out, "user %s <%s> is changed\n", user.Username, user.Email)
	return nil
}

func newUserUnlockCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := &userOptions{global: g}
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Forget the failed sign-ins of a user",
		Long:  "Forget the failed sign-ins of a user, who may try again at once. A running server follows.",
		Args:  noArgs,
		RunE: withUsers(opts, streams, func(ctx context.Context, d *userDesk) error {
			user, err := d.find(ctx, opts.login, opts.email)
			if err != nil {
				return err
			}
			err = d.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
				// What failed within this second counts as before it.
				now := strconv.FormatInt(time.Now().Unix()+1, 10)
				if err := tx.Options().Set(ctx, auth.UnlockOption(user.Username), now); err != nil {
					return err
				}
				return record(ctx, tx, user, "unlocked")
			})
			if err != nil {
				return fmt.Errorf("unlock user: %w", err)
			}
			fmt.Fprintf(d.out, "user %s may sign in again\n", user.Username)
			return nil
		}),
	}
	opts.findFlags(cmd)
	return cmd
}
