package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends messages to a server, each over a connection of its own. It keeps
// nothing open.
type SMTP struct {
	cfg      Config        // without the password
	password func() string // a function is never printed
}

// NewSMTP checks the configuration. It does not connect.
func NewSMTP(cfg Config) (*SMTP, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	secret := string(cfg.Password)
	cfg.Password = ""
	return &SMTP{cfg: cfg, password: func() string { return secret }}, nil
}

// Send sends a message. All of its recipients have to be accepted, or nobody
// gets it.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	if m.From == "" {
		m.From = s.cfg.From
	}
	msg, err := compose(m, s.cfg.Now())
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout,
		fmt.Errorf("mail: no answer from %s within %s: %w", s.cfg.Host, s.cfg.Timeout, context.DeadlineExceeded))
	defer cancel()

	l := &line{cfg: &s.cfg}
	defer l.close()                         // the client forgets its connection where signing in fails
	defer context.AfterFunc(ctx, l.close)() // it reads with deadlines only, and knows no context
	sign := &signIn{method: s.cfg.Auth, user: s.cfg.Username, password: s.password(), host: s.cfg.Host, local: l.local}
	client, err := s.client(l, sign)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() { // what comes after the message's acceptance changes nothing
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.explain(err, sign)
}

// client makes the client of one message.
func (s *SMTP) client(l *line, sign *signIn) (*gomail.Client, error) {
	options := []gomail.Option{
		// The context's time-out is to come first: it names the cause.
		gomail.WithPort(s.cfg.Port), gomail.WithTimeout(2 * s.cfg.Timeout), gomail.WithDialContextFunc(l.dial),
		gomail.WithTLSConfig(s.cfg.tls()), gomail.WithoutNoop(), gomail.WithTLSPolicy(gomail.NoTLS),
	}
	if s.cfg.Security == StartTLS {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	}
	if s.cfg.Security != None && s.cfg.Username != "" {
		options = append(options, gomail.WithSMTPAuthCustom(sign))
	}
	return gomail.NewClient(s.cfg.Host, options...)
}

// explain turns an error of the library into one of ours, without what was sent
// to sign in: a server may echo it.
func (s *SMTP) explain(err error, sign *signIn) error {
	var kind error
	var refused *gomail.SendError
	switch {
	case errors.Is(err, ErrUnencrypted):
		kind = ErrUnencrypted
	case errors.As(err, &refused) && refused.ErrorCode() >= 500:
		kind = ErrRejected
	}
	text := fmt.Sprintf("mail: send by %s: %s", s.cfg.Host, sign.scrub(err.Error()))
	if kind == nil {
		return errors.New(text)
	}
	return &sendError{text: text, kind: kind}
}

// sendError has the text of a library's error, but nothing else of it.
type sendError struct {
	text string
	kind error
}

func (e *sendError) Error() string {
	if strings.Contains(e.text, e.kind.Error()) {
		return e.text
	}
	return e.text + ": " + e.kind.Error()
}

func (e *sendError) Unwrap() error { return e.kind }

// line is the connection of one message.
type line struct {
	cfg *Config

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

// dial connects.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.cfg.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !l.keep(conn) {
		_ = conn.Close() // nobody waits for it any more
		return nil, net.ErrClosed
	}
	if l.cfg.Security != TLS {
		return conn, nil
	}
	encrypted := tls.Client(conn, l.cfg.tls())
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return encrypted, nil
}

// keep remembers the connection, unless the message has been given up.
func (l *line) keep(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	return !l.closed
}

// local tells whether the connection stays on this machine. Only its address
// counts: a name may lead anywhere.
func (l *line) local() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return false
	}
	tcp, ok := l.conn.RemoteAddr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		_ = l.conn.Close() // it may be closed already
	}
}
