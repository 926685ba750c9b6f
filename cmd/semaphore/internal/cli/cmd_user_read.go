package cli

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/store"
)

func (o *userOptions) findFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.login, "login", "", "login of the user")
	cmd.Flags().StringVar(&o.email, "email", "", "e-mail address of the user")
}

func newUserListCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := &userOptions{global: g}
	return &cobra.Command{
		Use:   "list",
		Short: "List the logins of all users",
		Args:  noArgs,
		RunE: withUsers(opts, streams, func(ctx context.Context, d *userDesk) error {
			for after := ""; ; {
				page, err := d.st.Users().List(ctx, 0, store.Query{Sort: "username", After: after, Limit: 1000})
				if err != nil {
					return fmt.Errorf("list users: %w", err)
				}
				for _, u := range page.Items {
					fmt.Fprintln(d.out, u.Username)
				}
				if after = page.Next; after == "" {
					return nil
				}
			}
		}),
	}
}

func newUserGetCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := &userOptions{global: g}
	cmd := &cobra.Command{
		Use:   "get",
		Short: "Show a user",
		Args:  noArgs,
		RunE: withUsers(opts, streams, func(ctx context.Context, d *userDesk) error {
			u, err := d.find(ctx, opts.login, opts.email)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(d.out, 0, 4, 2, ' ', 0)
			for _, line := range []struct {
				name  string
				value any
			}{
				{"id", u.ID}, {"login", u.Username}, {"name", u.Name}, {"email", u.Email}, {"created", u.Created.UTC().Format(time.RFC3339)},
				{"admin", u.Admin}, {"external", u.External}, {"alert", u.Alert},
			} {
				fmt.Fprintf(w, "%s:\t%v\n", line.name, line.value)
			}
			return w.Flush()
		}),
	}
	opts.findFlags(cmd)
	return cmd
}

func newUserDeleteCommand(g *globalFlags, streams Streams) *cobra.Command {
	opts := &userOptions{global: g}
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete a user",
		Args:  noArgs,
		RunE: withUsers(opts, streams, func(ctx context.Context, d *userDesk) error {
			u, err := d.find(ctx, opts.login, opts.email)
			if err != nil {
				return err
			}
			err = d.st.InTx(ctx, func(ctx context.Context, tx store.Store) error {
				if err := record(ctx, tx, u, "deleted"); err != nil {
					return err
				}
				return tx.Users().Delete(ctx, 0, u.ID)
			})
			if err != nil {
				return fmt.Errorf("delete user: %w", err)
			}
			fmt.Fprintf(d.out, "user %s <%s> is deleted\n", u.Username, u.Email)
			return nil
		}),
	}
	opts.findFlags(cmd)
	return cmd
}
