package server

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/alexandervashurin/semaphore/auth"
	"github.com/alexandervashurin/semaphore/internal/config"
	"github.com/alexandervashurin/semaphore/mail"
	"github.com/alexandervashurin/semaphore/store"
)

// signInOf configures sign-in: accounts, second factors, the directory, and
// what groups give.
func signInOf(cfg *config.Config, o Options) (auth.Config, error) {
	out := auth.Config{
		MinPassword: cfg.MinPasswordLength, PasswordLoginDisabled: cfg.PasswordLoginDisable, Log: o.Log,
		TOTP: cfg.Auth.TOTP.Enabled, TOTPIssuer: cfg.Auth.TOTP.AppName, AllowRecovery: cfg.Auth.TOTP.AllowRecovery,
	}
	if cfg.Auth.Email.Enabled {
		sender, err := mailer(cfg)
		if err != nil {
			return out, fmt.Errorf("auth.email needs a mail server: %w", err)
		}
		out.EmailOTP = true
		out.SendCode = func(ctx context.Context, user store.User, code string) error {
			return sender.Send(ctx, mail.Message{
				To: []string{user.Email}, Subject: "Your sign-in code",
				Text: "Your code is " + code + ". It is good for 10 minutes.\n\nIf you did not just sign in, somebody knows your password: change it.\n",
			})
		}
	}
	mappings := map[string][]auth.GroupMapping{}
	if cfg.LDAPEnable {
		directory, err := directoryOf(cfg)
		if err != nil {
			return out, err
		}
		out.Directory = directory
		mappings[auth.SourceLDAP] = mappingsOf(cfg.LDAPGroupMappings)
	}
	for id, p := range cfg.OIDCProviders {
		mappings[auth.SourceOIDC(id)] = mappingsOf(p.RoleMappings)
	}
	roles, err := auth.NewGroupRoles(o.Store, mappings, o.Log)
	if err != nil {
		return out, fmt.Errorf("group mappings: %w", err)
	}
	out.ProviderRoles = roles.Grants
	return out, nil
}

func mappingsOf(list []config.GroupMapping) []auth.GroupMapping {
	out := make([]auth.GroupMapping, len(list))
	for i, m := range list {
		out[i] = auth.GroupMapping(m)
	}
	return out
}

func directoryOf(cfg *config.Config) (*auth.LDAP, error) {
	c := auth.LDAPConfig{
		Server: cfg.LDAPServer, BindDN: cfg.LDAPBindDN, BindPassword: auth.NewSecret(cfg.LDAPBindPassword.Reveal()),
		SearchDN: cfg.LDAPSearchDN, SearchFilter: cfg.LDAPSearchFilter, TLS: cfg.LDAPNeedTLS, StartTLS: cfg.LDAPStartTLS,
		SkipVerify: cfg.LDAPTLSSkipVerify,
		Mappings: auth.LDAPMappings{
			DN: cfg.LDAPMappings.DN, Mail: cfg.LDAPMappings.Mail, UID: cfg.LDAPMappings.UID, CN: cfg.LDAPMappings.CN, Group: cfg.LDAPMappings.Group,
		},
	}
	if cfg.LDAPCAFile != "" {
		pem, err := os.ReadFile(cfg.LDAPCAFile)
		if err != nil {
			return nil, fmt.Errorf("ldap_ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ldap_ca_file: %s holds no certificate in PEM", cfg.LDAPCAFile)
		}
	}
	directory, err := auth.NewLDAP(c)
	if err != nil {
		return nil, fmt.Errorf("ldap: %w", err)
	}
	return directory, nil
}

// oidcOf turns the configured providers into those of package auth.
func oidcOf(cfg *config.Config) map[string]auth.OIDCProvider {
	out := map[string]auth.OIDCProvider{}
	for id, p := range cfg.OIDCProviders {
		out[id] = auth.OIDCProvider{
			ClientID: p.ClientID, ClientSecret: auth.NewSecret(p.ClientSecret.Reveal()), RedirectURL: p.RedirectURL, Scopes: p.Scopes,
			DisplayName: p.DisplayName, Color: p.Color, Icon: p.Icon, Order: p.Order,
			ProviderURL: strings.TrimSuffix(p.ProviderURL, "/.well-known/openid-configuration"), Endpoint: auth.OIDCEndpoint(p.Endpoint),
			UsernameClaim: p.UsernameClaim, NameClaim: p.NameClaim, EmailClaim: p.EmailClaim, GroupsClaim: p.GroupsClaim,
			ReadGroups: len(p.RoleMappings) > 0, EmailVerified: auth.EmailPolicy(p.EmailVerified), ReturnInPath: !p.ReturnViaState,
		}
	}
	return out
}
