package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/store"
)

func newUserTOTPCommand(g *globalFlags, streams Streams) *cobra.Command {
	return newGroup("totp", nil, "Work on the second factor of a user",
		newTOTPCommand(g, streams, "enable", "Give a user a second factor", enableTOTP),
		newTOTPCommand(g, streams, "disable", "Take the second factor of a user away", disableTOTP),
		newTOTPCommand(g, streams, "show", "Show the second factor of a user, its secret only until it is active", showTOTP),
	)
}

type totpAction func(ctx context.Context, d *userDesk, service *auth.Service, u store.User) error

func newTOTPCommand(g *globalFlags, streams Streams, use, short string, action totpAction) *cobra.Command {
	opts := &userOptions{global: g}
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  noArgs,
		RunE: withUsers(opts, streams, func(ctx context.Context, d *userDesk) error {
			u, err := d.find(ctx, opts.login, opts.email)
			if err != nil {
				return err
			}
			service, err := d.auth(ctx)
			if err != nil {
				return err
			}
			if err := action(ctx, d, service, u); err != nil {
				return fmt.Errorf("second factor of %s: %w", u.Username, err)
			}
			return nil
		}),
	}
	opts.findFlags(cmd)
	return cmd
}

// enableTOTP shows a new second factor and asks for a code of it, which makes
// it active.
func enableTOTP(ctx context.Context, d *userDesk, service *auth.Service, u store.User) error {
	row, err := service.EnrollTOTP(ctx, u.ID)
	if err != nil {
		return err
	}
	if err := d.drawTOTP(ctx, service, row); err != nil {
		return err
	}
	if row.RecoveryCode != "" {
		fmt.Fprintf(d.out, "recovery code: %s\n", row.RecoveryCode)
	}
	if !d.cfg.Auth.TOTP.Enabled {
		fmt.Fprintln(d.errs, "semaphore: warning: auth.totp.enabled is off: until it is on, the server asks for no code")
	}
	fmt.Fprint(d.errs, "Code from the app, empty to confirm later: ")
	code, ok := d.in.line()
	fmt.Fprintln(d.errs)
	if !ok || code == "" {
		fmt.Fprintln(d.out, "the second factor is not active before a code has confirmed it")
		return nil
	}
	if err := service.ConfirmTOTP(ctx, u.ID, row.ID, code); err != nil {
		if errors.Is(err, auth.ErrCode) {
			return errors.New("that is not the code of this second factor, so it is not active: check the clocks of both sides and enable it again")
		}
		return err
	}
	fmt.Fprintln(d.out, "the second factor is active")
	return record(ctx, d.st, u, "got a second factor")
}

func disableTOTP(ctx context.Context, d *userDesk, service *auth.Service, u store.User) error {
	row, err := d.totp(ctx, u)
	if err != nil {
		return err
	}
	if err := service.DisableTOTP(ctx, u.ID, row.ID); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "the second factor is gone")
	return record(ctx, d.st, u, "lost the second factor")
}

func showTOTP(ctx context.Context, d *userDesk, service *auth.Service, u store.User) error {
	row, err := d.totp(ctx, u)
	if err != nil {
		return err
	}
	if row.Active {
		fmt.Fprintf(d.out, "the second factor is active since %s; its secret was shown when it was made\n", row.Created.UTC().Format("2006-01-02"))
		return nil
	}
	fmt.Fprintln(d.out, "the second factor is not active before a code has confirmed it")
	row.URL = "" // sealed
	return d.drawTOTP(ctx, service, row)
}

// totp returns the second factor of a user.
func (d *userDesk) totp(ctx context.Context, u store.User) (store.TOTP, error) {
	page, err := d.st.Users().SecondFactors().List(ctx, u.ID, store.Query{Limit: 1})
	if err != nil {
		return store.TOTP{}, fmt.Errorf("read: %w", err)
	}
	if len(page.Items) == 0 {
		return store.TOTP{}, auth.ErrNoTOTP
	}
	return page.Items[0], nil
}

// drawTOTP shows the QR code, and the URL where it is known.
func (d *userDesk) drawTOTP(ctx context.Context, service *auth.Service, row store.TOTP) error {
	picture, err := service.TOTPQR(ctx, row.UserID, row.ID)
	if err != nil {
		return err
	}
	if err := drawQR(d.out, picture); err != nil {
		return err
	}
	if row.URL != "" {
		fmt.Fprintln(d.out, row.URL)
	}
	return nil
}

// drawQR writes a QR code in half blocks, dark on light, two rows a line.
func drawQR(w io.Writer, picture []byte) error {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return fmt.Errorf("draw code: %w", err)
	}
	b := img.Bounds()
	dark := func(x, y int) bool {
		r, _, _, _ := img.At(x, y).RGBA()
		return x < b.Max.X && y < b.Max.Y && r < 0x8000
	}
	left := b.Min.X // of the square in the corner, whose edge is 7 modules
	for left < b.Max.X && !dark(left, left) {
		left++
	}
	edge := 0
	for dark(left+edge, left) {
		edge++
	}
	module := edge / 7
	if module == 0 {
		return errors.New("draw code: it is no QR code")
	}
	count := (b.Dx()-2*(left-b.Min.X))/module + 1
	at := func(column, row int) bool {
		x, y := left+column*module+module/2, left+row*module+module/2
		return column >= 0 && row >= 0 && dark(x, y)
	}
	for row := -2; row < count+1; row += 2 {
		for column := -2; column < count+1; column++ {
			fmt.Fprint(w, map[[2]bool]string{{false, false}: "█", {false, true}: "▀", {true, false}: "▄", {true, true}: " "}[[2]bool{at(column, row), at(column, row+1)}])
		}
		fmt.Fprintln(w)
	}
	return nil
}
