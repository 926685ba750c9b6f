package job

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/job/internal/giturl"
)

// progressLines cuts git's standard error into lines, passes them on and keeps
// the last ones for an error. A line that git rewrites in place is passed on
// when it is finished, and every few seconds before.
type progressLines struct {
	report func(string)
	rest   []byte
	last   []string
	shown  time.Time // of the last unfinished line
}

const (
	maxProgressLine = 4096
	keptErrorLines  = 12
	progressEvery   = 5 * time.Second
)

func (p *progressLines) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		i := bytes.IndexAny(p.rest, "\r\n")
		if i < 0 || p.rest[i] == '\r' && i+1 == len(p.rest) {
			break // what follows a carriage return tells whether the line is finished
		}
		end := i + 1
		if p.rest[i] == '\r' && p.rest[end] == '\n' { // ssh ends its lines so
			end++
		}
		p.line(string(p.rest[:i]), p.rest[end-1] == '\n')
		p.rest = p.rest[end:]
	}
	if len(p.rest) > maxProgressLine {
		p.line(string(p.rest), true)
		p.rest = p.rest[:0]
	}
	return len(b), nil
}

func (p *progressLines) line(text string, finished bool) {
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), " \t\r")
	text = strings.TrimSuffix(text, "\x1b[K")
	if text == "" {
		return
	}
	if finished {
		p.last = append(p.last, text)
		if len(p.last) > keptErrorLines {
			p.last = p.last[1:]
		}
	} else if time.Since(p.shown) < progressEvery {
		return
	} else {
		p.shown = time.Now()
	}
	p.report(text)
}

// tail returns the last lines.
func (p *progressLines) tail() string {
	if len(p.rest) > 0 {
		p.line(string(p.rest), true)
		p.rest = nil
	}
	return strings.Join(p.last, "\n")
}

// minMasked is the length below which a secret cannot be told from ordinary
// text.
const minMasked = 4

// keyMask replaces the secrets of a key in all forms git could show them in.
func keyMask(k *Key) *strings.Replacer {
	if k == nil {
		return strings.NewReplacer()
	}
	var pairs []string
	add := func(forms ...string) {
		for _, form := range forms {
			if len(form) >= minMasked {
				pairs = append(pairs, form, "***")
			}
		}
	}
	if p := k.Password.Reveal(); p != "" {
		login := giturl.URL{}.Login(k.Login, p)
		add(base64.StdEncoding.EncodeToString([]byte(login + ":" + p)))
		add(p, url.QueryEscape(p), url.PathEscape(p), url.UserPassword("", p).String()[1:])
	}
	add(k.Passphrase.Reveal())
	for line := range strings.Lines(k.PrivateKey.Reveal()) {
		if line = strings.TrimSpace(line); len(line) >= 16 && !strings.HasPrefix(line, "-----") {
			add(line)
		}
	}
	return strings.NewReplacer(pairs...)
}
