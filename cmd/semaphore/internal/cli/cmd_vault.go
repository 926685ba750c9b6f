package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/alexandervashurin/semaphore/crypto"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/pool"
)

// rekeyOptions are the flags of vault rekey.
type rekeyOptions struct {
	global     *globalFlags
	oldKey     string
	oldKeyFile string
}

func newVaultCommand(g *globalFlags) *cobra.Command {
	return newGroup("vaults", []string{"vault"}, "Work on the secrets of the database", newRekeyCommand(g))
}

func newRekeyCommand(g *globalFlags) *cobra.Command {
	opts := rekeyOptions{global: g}
	cmd := &cobra.Command{
		Use:   "rekey",
		Short: "Seal every secret again with the configured key",
		Long: `Seal every secret that an older key has sealed again, with the key that is
configured as access_key_encryption. The older key comes from --old-key,
--old-key-file or old_access_key_encryption.

A server may run meanwhile, if it has the new key as access_key_encryption and
the older one as old_access_key_encryption. Started again after an
interruption it goes on where it was. Take the older key away once a run had
nothing left to do, and the tasks that wait for a confirmation have ended.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRekey(cmd.Context(), opts, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&opts.oldKey, "old-key", "", "the older `KEY`; other users of the machine can see it: better is --old-key-file")
	cmd.Flags().StringVar(&opts.oldKeyFile, "old-key-file", "", "`FILE` with the older key")
	return cmd
}

func runRekey(ctx context.Context, opts rekeyOptions, out, errs io.Writer) error {
	cfg, _, err := opts.global.load(errs)
	if err != nil {
		return err
	}
	ring, err := opts.ring(cfg)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, errs)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // everything is written by then
	p, err := pool.New(st, pool.Config{Ring: ring, Log: newLog(cfg, errs)})
	if err != nil {
		return err
	}
	report, err := p.Rotate(ctx)
	fmt.Fprintf(out, "sealed again %d, current already %d, changed meanwhile %d, not opened %d\n", report.Done, report.Skipped, report.Changed, report.Failed)
	if err != nil {
		return fmt.Errorf("%w: run it again, it goes on where it was", err)
	}
	for _, ad := range report.Unopened {
		fmt.Fprintln(errs, "semaphore: not opened:", ad)
	}
	if report.Failed > 0 {
		return fmt.Errorf("%d secrets were sealed with a key that is not given: name it in --old-key-file, or enter them anew", report.Failed)
	}
	return nil
}

// ring joins the configured keys with the older one of the flags.
func (o rekeyOptions) ring(cfg *config.Config) (*crypto.Ring, error) {
	text := o.oldKey
	if o.oldKeyFile != "" {
		if text != "" {
			return nil, usage("--old-key and --old-key-file exclude each other")
		}
		secret, err := secretFile("--old-key-file", o.oldKeyFile)
		if err != nil {
			return nil, err
		}
		text = secret.Reveal()
	}
	if text != "" {
		if _, err := crypto.ParseKey(text); err != nil {
			return nil, usage("the older key: %v", err)
		}
		cfg.OldAccessKeyEncryption = append(cfg.OldAccessKeyEncryption, config.NewSecret(text))
	}
	ring, err := cfg.Ring()
	if err != nil {
		return nil, err
	}
	if len(ring.IDs()) < 2 {
		return nil, usage("there is no older key: give it in --old-key-file, or as old_access_key_encryption")
	}
	return ring, nil
}
