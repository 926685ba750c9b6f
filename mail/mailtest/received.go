package mailtest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
)

// Received is a message as it came over the wire.
type Received struct {
	Sender     string   // of the envelope
	Recipients []string // of the envelope
	Encrypted  bool     // came over TLS
	Auth       string   // method by which the client had signed in; "" for none

	Header  netmail.Header // as it came
	Subject string         // decoded
	Text    string         // decoded, lines ended by \n
	HTML    string         // decoded, lines ended by \n
	Raw     string
}

// parse takes the message apart.
func (r *Received) parse(raw []byte) error {
	r.Raw = string(raw)
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	r.Header = m.Header
	if r.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return fmt.Errorf("decode subject: %w", err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return r.part(kind, m.Header.Get("Content-Transfer-Encoding"), m.Body)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if err == io.EOF { //nolint:errorlint // documented to be returned as it is
			return nil
		}
		if err != nil {
			return fmt.Errorf("read part: %w", err)
		}
		kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil {
			return fmt.Errorf("content type of part: %w", err)
		}
		if err := r.part(kind, p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
			return err
		}
	}
}

func (r *Received) part(kind, encoding string, body io.Reader) error {
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	decoded, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("decode %s: %w", kind, err)
	}
	text := strings.ReplaceAll(string(decoded), "\r\n", "\n")
	switch kind {
	case "text/plain":
		r.Text = text
	case "text/html":
		r.HTML = text
	default:
		return fmt.Errorf("part of type %s", kind)
	}
	return nil
}
