package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/alexandervashurin/semaphore/mail"
)

// Options configure a Server. The zero value takes everything in clear.
type Options struct {
	Security mail.Security // Defaults to mail.None: no TLS is offered.
	Auth     []string      // names of the methods offered: PLAIN, LOGIN, CRAM-MD5, XOAUTH2. Defaults to none.
	User     string        // who may sign in
	Password string
	MaxTLS   uint16 // newest version of TLS. Defaults to 1.3.
	// Refuse answers for each recipient; an *smtp.SMTPError is told as it is.
	// Defaults to taking all.
	Refuse func(recipient string) error
	// Echo makes a refusal to sign in repeat what the client sent, as careless
	// servers do.
	Echo bool
}

// Server is an SMTP server on a port of 127.0.0.1.
type Server struct {
	Host string // 127.0.0.1, which its certificate names
	Port int
	CAs  *x509.CertPool // its certificate is verified with

	options Options

	mu       sync.Mutex
	messages []Received
	tries    []string
}

// NewServer starts a server that runs until the test ends.
func NewServer(tb testing.TB, o Options) *Server {
	tb.Helper()
	s := &Server{Host: "127.0.0.1", options: o}
	inner := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	inner.Domain = "mail.test"
	inner.AllowInsecureAuth = true // the client under test has to refuse that
	inner.EnableSMTPUTF8 = true
	inner.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("mailtest: listen: %v", err)
	}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	certificate, pool := certify(tb)
	s.CAs = pool
	settings := &tls.Config{ //nolint:gosec // the client under test has to refuse old versions
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS10, MaxVersion: o.MaxTLS,
	}
	switch o.Security {
	case mail.StartTLS:
		inner.TLSConfig = settings
	case mail.TLS:
		listener = tls.NewListener(listener, settings)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := inner.Serve(listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			tb.Errorf("mailtest: serve: %v", err)
		}
	})
	tb.Cleanup(func() {
		_ = inner.Close()    // every connection
		_ = listener.Close() // Serve may not have begun, and the server not know it
		running.Wait()
	})
	return s
}

// Config returns what a mail.SMTP needs to send to the server.
func (s *Server) Config() mail.Config {
	security := s.options.Security
	if security == "" {
		security = mail.None
	}
	return mail.Config{
		Host: s.Host, Port: s.Port, RootCAs: s.CAs, Security: security, From: "Semaphore <semaphore@example.com>",
		Username: s.options.User, Password: mail.Password(s.options.Password),
	}
}

// Messages returns what was received, in order.
func (s *Server) Messages() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Tries returns the methods by which clients tried to sign in.
func (s *Server) Tries() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tries)
}

// session is one connection.
type session struct {
	server *Server
	conn   *smtp.Conn
	signed string // method it signed in by
	now    Received
}

func (s *session) Reset()        { s.now = Received{} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	_, encrypted := s.conn.TLSConnectionState()
	s.now = Received{Sender: from, Encrypted: encrypted, Auth: s.signed}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if refuse := s.server.options.Refuse; refuse != nil {
		if err := refuse(to); err != nil {
			return err
		}
	}
	s.now.Recipients = append(s.now.Recipients, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.now.parse(raw); err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.messages = append(s.server.messages, s.now)
	return nil
}

// AuthMechanisms lists what is offered.
func (s *session) AuthMechanisms() []string { return s.server.options.Auth }

// Auth begins to sign in.
func (s *session) Auth(method string) (sasl.Server, error) {
	s.server.mu.Lock()
	s.server.tries = append(s.server.tries, method)
	s.server.mu.Unlock()
	check, ok := methods[method]
	if !ok || !slices.Contains(s.server.options.Auth, method) {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	return &exchange{session: s, method: method, step: check}, nil
}

// deny refuses to sign in.
func (s *session) deny(said []string) error {
	err := *smtp.ErrAuthFailed
	if s.server.options.Echo {
		err.Message += ": " + strings.Join(said, " ")
	}
	return &err
}
