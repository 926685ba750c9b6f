package alert

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Names of channels.
const (
	nameEmail      = "email"
	nameTelegram   = "telegram"
	nameSlack      = "slack"
	nameRocketChat = "rocketchat"
	nameTeams      = "microsoft_teams"
	nameDingTalk   = "dingtalk"
	nameGotify     = "gotify"
	nameWebhook    = "webhook"
)

// channel is a way to tell somebody by HTTP.
type channel struct {
	name    string
	url     string
	payload func(f facts) any
	headers func(f facts, body []byte) map[string]string // nil for none
	taken   func(status int) bool
	verify  func(body []byte) error // what an answer that was taken says; nil for nothing
	secrets []string                // what no error may tell
}

const (
	answerMost  = 64 << 10
	excerptMost = 200
)

// post tells one channel.
func (a *Alerter) post(ctx context.Context, ch channel, f facts) error {
	err := a.send(ctx, ch, f)
	if err == nil {
		return nil
	}
	text := errors.New(ch.name + ": " + scrub(err.Error(), ch.secrets))
	var final *refusal
	if errors.As(err, &final) {
		return &refusal{text}
	}
	return text
}

func (a *Alerter) send(ctx context.Context, ch channel, f facts) error {
	body, err := json.Marshal(ch.payload(f))
	if err != nil {
		return &refusal{fmt.Errorf("encode: %w", err)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, ch.url, bytes.NewReader(body))
	if err != nil {
		return &refusal{fmt.Errorf("make request: %w", err)}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "semaphore")
	if ch.headers != nil {
		for name, value := range ch.headers(f, body) {
			r.Header.Set(name, value)
		}
	}
	resp, err := a.cfg.HTTP.Do(r)
	if err != nil {
		var with *url.Error // tells the whole address
		if errors.As(err, &with) {
			err = with.Err
		}
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	switch {
	case resp.Request != nil && resp.Request.Method != http.MethodPost:
		return &refusal{errors.New("redirected to a page: correct its url")}
	case ch.taken(resp.StatusCode):
		if err != nil || ch.verify == nil {
			return nil // it has been taken, whatever the rest of the answer would have been
		}
		return ch.verify(answer)
	}
	err = fmt.Errorf("status %d: %q", resp.StatusCode, excerpt(answer))
	if s := resp.StatusCode; s >= 400 && s < 500 && s != http.StatusRequestTimeout && s != http.StatusTooManyRequests {
		return &refusal{err}
	}
	return err
}

func excerpt(answer []byte) string {
	text := strings.ToValidUTF8(string(answer[:min(len(answer), 4*excerptMost)]), "")
	if runes := []rune(text); len(runes) > excerptMost {
		return string(runes[:excerptMost])
	}
	return text
}

// secretsOf lists the parts of an address that an error may hold and nobody is
// to read, and a token.
func secretsOf(address, token string) []string {
	list := []string{token, address}
	u, err := url.Parse(address)
	if err != nil {
		return list
	}
	list = append(list, u.String(), u.RequestURI(), u.EscapedPath(), u.RawQuery)
	parts := strings.FieldsFunc(u.Path+"/"+u.EscapedPath(), func(r rune) bool { return r == '/' })
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	if u.User != nil {
		if password, ok := u.User.Password(); ok {
			parts = append(parts, password)
		}
	}
	for _, part := range parts {
		if len(part) >= 8 { // shorter ones are words
			list = append(list, part)
		}
	}
	return list
}

// scrub removes secrets from a text, the longest first.
func scrub(text string, secrets []string) string {
	sorted := slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, s := range sorted {
		if len(s) > 1 { // not the path of an address without one
			text = strings.ReplaceAll(text, s, stars)
		}
	}
	return text
}

func status200(status int) bool { return status == http.StatusOK }
