package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// Security says how a connection is protected.
type Security string

// The ways. Certificates are always verified.
const (
	// None speaks in clear and does not sign in, whatever user name is given.
	None Security = "none"
	// StartTLS encrypts where the server offers it, which has to succeed then, and
	// signs in. A server that does not offer it gets messages in clear, but no
	// password unless it is on this machine.
	StartTLS Security = "starttls"
	// TLS encrypts from the first byte, and signs in.
	TLS Security = "tls"
)

// SecurityOf translates the two switches of a server's configuration,
// email_secure and email_tls.
func SecurityOf(secure, implicit bool) Security {
	switch {
	case !secure:
		return None
	case implicit:
		return TLS
	default:
		return StartTLS
	}
}

// Auth is how a sender signs in.
type Auth string

// The methods.
const (
	// AuthAuto takes the first of plain, login and cram-md5 that the server offers.
	AuthAuto Auth = "auto"
	// AuthPlain is PLAIN of RFC 4616.
	AuthPlain Auth = "plain"
	// AuthLogin is LOGIN, which older servers of Microsoft want.
	AuthLogin Auth = "login"
	// AuthCramMD5 is CRAM-MD5 of RFC 2195.
	AuthCramMD5 Auth = "cram-md5"
	// AuthXOAuth2 is XOAUTH2; the password is an access token.
	AuthXOAuth2 Auth = "xoauth2"
)

// Config configures an [SMTP].
type Config struct {
	Host     string   // Required. The name that its certificate has.
	Port     int      // Defaults to 25, 587 or 465, as Security asks for.
	From     string   // address of messages that name no other. Required.
	Username string   // Defaults to none: it does not sign in.
	Password Password // of Username, or an access token

	Security Security       // Defaults to StartTLS.
	MinTLS   string         // "1.0" to "1.3". Defaults to "1.2".
	RootCAs  *x509.CertPool // that certificates are verified with. Defaults to those of the system.
	Auth     Auth           // Defaults to AuthAuto.
	// Timeout is how long one message may take, connection included. Defaults to
	// 10 s.
	Timeout time.Duration
	// Dial connects. Defaults to a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now dates messages. Defaults to time.Now.
	Now func() time.Time
}

var ports = map[Security]int{None: 25, StartTLS: 587, TLS: 465}

var versions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

// complete checks the configuration and fills in defaults.
func (c *Config) complete() error {
	if c.Host == "" {
		return errors.New("no host: name the SMTP server")
	}
	if c.Security == "" {
		c.Security = StartTLS
	}
	port, ok := ports[c.Security]
	if !ok {
		return fmt.Errorf("unknown security %q: use none, starttls or tls", c.Security)
	}
	if c.Port == 0 {
		c.Port = port
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("port %d is out of range: use 1 to 65535", c.Port)
	}
	if c.MinTLS == "" {
		c.MinTLS = "1.2"
	}
	if versions[c.MinTLS] == 0 {
		return fmt.Errorf("unknown TLS version %q: use 1.0, 1.1, 1.2 or 1.3", c.MinTLS)
	}
	switch c.Auth {
	case "":
		c.Auth = AuthAuto
	case AuthAuto, AuthPlain, AuthLogin, AuthCramMD5, AuthXOAuth2:
	default:
		return fmt.Errorf("unknown method to sign in %q: use auto, plain, login, cram-md5 or xoauth2", c.Auth)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if _, err := address(c.From); err != nil {
		return fmt.Errorf("address of the sender: %w", err)
	}
	return nil
}

// tls is what encrypted connections ask for.
func (c *Config) tls() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: versions[c.MinTLS]}
}
