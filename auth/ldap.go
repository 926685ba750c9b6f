package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// SourceLDAP is the [External].Source of accounts of a directory.
const SourceLDAP = "ldap"

// LDAPConfig says how a directory is asked.
type LDAPConfig struct {
	// Server is its host and port. The port defaults to 389, with TLS to 636.
	// Required.
	Server string
	// BindDN and BindPassword are the account that searches. Default to nobody.
	BindDN       string
	BindPassword Secret
	// SearchDN is where the search begins. Required.
	SearchDN string
	// SearchFilter finds an account; %s stands for the login, which is escaped.
	// Required.
	SearchFilter string

	// TLS connects by TLS, StartTLS changes to it on a connection in the clear.
	// Default to neither: passwords then cross the network as they are.
	TLS      bool
	StartTLS bool
	// RootCAs are the certificates that the directory's is checked against.
	// Defaults to those of the system.
	RootCAs *x509.CertPool
	// SkipVerify does not check the certificate, so anybody in between reads the
	// passwords. Defaults to false.
	SkipVerify bool

	// Mappings say which attributes an account is made of.
	Mappings LDAPMappings
	// GroupSearchDN is where groups are searched that name their members. Defaults
	// to none: only Mappings.Group tells of groups.
	GroupSearchDN string
	// GroupFilter finds the groups of an account; %s stands for its DN, escaped.
	// Defaults to (|(member=%s)(uniqueMember=%s)).
	GroupFilter string
	// Timeout is how long each step may take: to connect, to bind, to search.
	// Defaults to 5 s.
	Timeout time.Duration
}

// LDAPMappings are expressions of attributes, see [ParseClaim]. Names of
// attributes are the same in any case.
type LDAPMappings struct {
	DN    string // whose password is checked; Defaults to "dn", the DN of the entry
	Mail  string // Defaults to "mail"
	UID   string // name of the account; Defaults to "uid"
	CN    string // name of the person; Defaults to "cn"
	Group string // Defaults to "memberOf"
}

// LDAP is a [Directory]. It keeps no connection and is safe for concurrent use.
// Make it with [NewLDAP].
type LDAP struct {
	cfg        LDAPConfig
	host       string
	address    string
	issuer     string
	attributes []string
	dn         Claim
	mail       Claim
	uid        Claim
	cn         Claim
	group      Claim
}

// NewLDAP returns a directory. It connects to nothing yet.
func NewLDAP(cfg LDAPConfig) (*LDAP, error) {
	orDefault(&cfg.Timeout, 5*time.Second)
	orDefault(&cfg.GroupFilter, "(|(member=%s)(uniqueMember=%s))")
	l := &LDAP{cfg: cfg, issuer: "ldap:" + strings.ToLower(strings.TrimSpace(cfg.SearchDN))}
	if err := l.checkConfig(); err != nil {
		return nil, err
	}
	if err := l.setAddress(); err != nil {
		return nil, err
	}
	return l, l.setMappings()
}

func (l *LDAP) checkConfig() error {
	cfg := l.cfg
	switch {
	case cfg.SearchDN == "":
		return errors.New("directory has no search DN: say where the search begins")
	case !strings.Contains(cfg.SearchFilter, "%s"):
		return errors.New("search filter of the directory does not name the login: put %s into it, as in (uid=%s)")
	case cfg.TLS && cfg.StartTLS:
		return errors.New("directory has both TLS and StartTLS: choose one")
	case cfg.BindDN == "" && cfg.BindPassword.text != "":
		return errors.New("directory has a bind password and no bind DN: set it")
	case cfg.BindDN != "" && cfg.BindPassword.text == "":
		return errors.New("directory has a bind DN and no bind password: set it")
	case cfg.Timeout < 0:
		return fmt.Errorf("time-out of the directory is %v: choose one above 0", cfg.Timeout)
	}
	for what, dn := range map[string]string{"bind": cfg.BindDN, "search": cfg.SearchDN, "group search": cfg.GroupSearchDN} {
		if _, err := ldap.ParseDN(dn); err != nil {
			return fmt.Errorf("%s DN %q of the directory is none: %w", what, dn, err)
		}
	}
	for what, filter := range map[string]string{"search": cfg.SearchFilter, "group": cfg.GroupFilter} {
		if _, err := ldap.CompileFilter(fillFilter(filter, "x")); err != nil {
			return fmt.Errorf("%s filter %q of the directory is none: %w", what, filter, err)
		}
	}
	return nil
}

func (l *LDAP) setAddress() error {
	if l.cfg.Server == "" {
		return errors.New("directory has no server: set its host and port")
	}
	host, port, err := net.SplitHostPort(l.cfg.Server)
	if err != nil {
		host, port = strings.Trim(l.cfg.Server, "[]"), "389"
		if l.cfg.TLS {
			port = "636"
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || host == "" || strings.ContainsAny(host, "/ ") {
		return fmt.Errorf("server of the directory is %q: give its host and port, without a scheme", l.cfg.Server)
	}
	l.host, l.address = host, net.JoinHostPort(host, port)
	return nil
}

func (l *LDAP) setMappings() error {
	m := l.cfg.Mappings
	// What tells for ever who somebody is, in the servers that have such a thing.
	l.attributes = append(l.attributes, subjectAttributes()...)
	for _, mapping := range []struct {
		name, text, byDefault string
		claim                 *Claim
	}{
		{"dn", m.DN, "dn", &l.dn},
		{"mail", m.Mail, "mail", &l.mail},
		{"uid", m.UID, "uid", &l.uid},
		{"cn", m.CN, "cn", &l.cn},
		{"group", m.Group, "memberOf", &l.group},
	} {
		orDefault(&mapping.text, mapping.byDefault)
		claim, err := ParseClaim(mapping.text)
		if err != nil {
			return fmt.Errorf("mapping %s of the directory: %w", mapping.name, err)
		}
		*mapping.claim = claim
		l.attributes = append(l.attributes, claim.names()...)
	}
	return nil
}

// fillFilter puts a value into a filter, so that it stays one value.
func fillFilter(filter, value string) string {
	return strings.ReplaceAll(filter, "%s", ldap.EscapeFilter(value))
}

// SignIn finds the entry of a login and checks the password by binding as it.
// An unknown login is nil without an error, a wrong password [ErrCredentials];
// any other error is a fault of the directory.
func (l *LDAP) SignIn(ctx context.Context, login, password string) (*External, error) {
	// A bind without a password is anonymous and succeeds for every DN.
	if login == "" || password == "" {
		return nil, ErrCredentials
	}
	conn, err := l.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to directory: %w", err)
	}
	defer conn.close()
	if err := conn.bindReader(); err != nil {
		return nil, fmt.Errorf("bind to directory as %q: %w", l.cfg.BindDN, err)
	}
	entry, err := conn.account(login)
	if err != nil {
		return nil, fmt.Errorf("search directory: %w", err)
	}
	if entry == nil {
		return nil, nil
	}
	claims := l.claims(entry)
	dn := l.dn.Text(claims)
	if dn == "" {
		dn = entry.DN
	}
	err = conn.bind(dn, password)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		return nil, ErrCredentials
	}
	if err != nil {
		return nil, fmt.Errorf("bind to directory as the account: %w", err)
	}
	ext := l.external(entry, claims)
	if ext.Username == "" {
		return nil, fmt.Errorf("account of the directory has no %s: change the mapping uid", l.uid)
	}
	if l.cfg.GroupSearchDN != "" {
		if err := conn.bindReader(); err != nil {
			return nil, fmt.Errorf("bind to directory as %q: %w", l.cfg.BindDN, err)
		}
		groups, err := conn.groups(dn)
		if err != nil {
			return nil, fmt.Errorf("search groups of the directory: %w", err)
		}
		ext.Groups = append(ext.Groups, groups...)
	}
	return ext, nil
}
