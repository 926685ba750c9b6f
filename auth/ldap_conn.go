package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	maxDirectoryAnswers = 8 << 20 // bytes of one sign-in
	maxDirectoryGroups  = 1000
)

// errSeveral tells that a login is not of one account.
var errSeveral = errors.New("several entries have that login: make the search filter or the search DN narrower")

// ldapConn is the connection of one sign-in.
type ldapConn struct {
	*ldap.Conn
	l    *LDAP
	ctx  context.Context // of the sign-in, which is all that a connection lives for
	raw  *limitedConn
	stop func() bool
}

// connect dials, and changes to TLS where that is wanted.
func (l *LDAP) connect(ctx context.Context) (*ldapConn, error) {
	dialer := net.Dialer{Timeout: l.cfg.Timeout}
	plain, err := dialer.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	raw := &limitedConn{Conn: plain, left: maxDirectoryAnswers}
	// Whatever waits for the directory ends with the request.
	c := &ldapConn{l: l, ctx: ctx, raw: raw, stop: context.AfterFunc(ctx, func() { _ = raw.Close() })}
	over := net.Conn(raw)
	if l.cfg.TLS {
		secured := tls.Client(raw, l.tls())
		if err := c.step(func() error { return secured.HandshakeContext(ctx) }); err != nil {
			c.abort()
			return nil, fmt.Errorf("TLS with %s: %w", l.address, err)
		}
		over = secured
	}
	c.Conn = ldap.NewConn(over, l.cfg.TLS)
	c.SetTimeout(l.cfg.Timeout)
	c.Start()
	if l.cfg.StartTLS {
		if err := c.step(func() error { return c.StartTLS(l.tls()) }); err != nil {
			c.close()
			return nil, fmt.Errorf("StartTLS with %s: %w", l.address, err)
		}
	}
	return c, nil
}

func (l *LDAP) tls() *tls.Config {
	return &tls.Config{
		ServerName: l.host, RootCAs: l.cfg.RootCAs, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: l.cfg.SkipVerify, //nolint:gosec // the administrator's choice, off by default
	}
}

// step gives one step its time. An error is the context's, if that has ended.
func (c *ldapConn) step(do func() error) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if err := c.raw.SetDeadline(time.Now().Add(c.l.cfg.Timeout)); err != nil {
		return err
	}
	err := do()
	if err != nil && c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	return err
}

func (c *ldapConn) abort() {
	c.stop()
	_ = c.raw.Close()
}

// close ends the connection; a directory that does not take our farewell cannot
// hold it.
func (c *ldapConn) close() {
	c.abort()
	_ = c.Close()
}

func (c *ldapConn) bindReader() error {
	return c.step(func() error {
		if c.l.cfg.BindDN == "" {
			return c.UnauthenticatedBind("")
		}
		return c.Bind(c.l.cfg.BindDN, c.l.cfg.BindPassword.text)
	})
}

func (c *ldapConn) bind(dn, password string) error {
	return c.step(func() error { return c.Bind(dn, password) })
}

// account returns the one entry of a login, nil for none.
func (c *ldapConn) account(login string) (*ldap.Entry, error) {
	result, err := c.search(c.l.cfg.SearchDN, fillFilter(c.l.cfg.SearchFilter, login), 2, c.l.attributes)
	if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		return nil, errSeveral
	}
	if err != nil {
		return nil, err
	}
	switch len(result.Entries) {
	case 0:
		return nil, nil
	case 1:
		if result.Entries[0].DN == "" {
			return nil, errors.New("the entry has no DN")
		}
		return result.Entries[0], nil
	}
	return nil, errSeveral
}

// groups lists the DNs of the groups that name an account.
func (c *ldapConn) groups(dn string) ([]string, error) {
	result, err := c.search(c.l.cfg.GroupSearchDN, fillFilter(c.l.cfg.GroupFilter, dn), maxDirectoryGroups, []string{"1.1"})
	if err != nil {
		return nil, err
	}
	list := make([]string, 0, len(result.Entries))
	for _, entry := range result.Entries {
		list = append(list, entry.DN)
	}
	return list, nil
}

func (c *ldapConn) search(base, filter string, limit int, attributes []string) (*ldap.SearchResult, error) {
	var result *ldap.SearchResult
	err := c.step(func() (err error) {
		result, err = c.Search(&ldap.SearchRequest{
			BaseDN: base, Filter: filter, Attributes: attributes,
			Scope: ldap.ScopeWholeSubtree, DerefAliases: ldap.NeverDerefAliases,
			SizeLimit: limit, TimeLimit: max(1, int(c.l.cfg.Timeout.Seconds())), EnforceSizeLimit: true,
		})
		return err
	})
	return result, err
}

// limitedConn is a connection that takes so many bytes and no more.
type limitedConn struct {
	net.Conn
	left int // read by one goroutine at a time
}

// Read reads what is left at most.
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("directory answers with more than %d bytes", maxDirectoryAnswers)
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
