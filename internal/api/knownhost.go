package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/alexandervashurin/semaphore/store"
)

// knownHostInput is a host key that somebody vouches for.
type knownHostInput struct {
	rowIDs
	Host string `json:"host"`
	Key  string `json:"key"` // "ssh-ed25519 AAAA...", a comment behind it is dropped
}

func (s *Server) knownHostRoutes() []route {
	hosts := resource[store.KnownHost, knownHostInput]{
		noun: "known host", path: "known_hosts", param: "known_host", event: store.EventKnownHost,
		table: func(st store.Store) store.Table[store.KnownHost] { return st.Projects().KnownHosts() },
		sorts: []string{"host", "key_type", "created"},
		ids:   func(h *store.KnownHost) (*int64, *int64) { return &h.ID, &h.ProjectID },
		label: func(h *store.KnownHost) string { return h.Host },
		read:  readKnownHost,
	}
	return slices.DeleteFunc(hosts.routes(), func(r route) bool { return r.method == "PUT" })
}

func readKnownHost(_ context.Context, c *call, _ store.Store, in *knownHostInput, h *store.KnownHost) error {
	host := strings.TrimSpace(in.Host)
	switch {
	case host == "":
		return invalid("host", "is empty: give a name, an address, or [name]:port")
	case len(host) > 255:
		return invalid("host", "is longer than 255 bytes")
	case strings.ContainsAny(host, " \t\r\n\x00,*?!|#@") || strings.HasPrefix(host, "-"):
		return invalid("host", "%q is no single host: give a name, an address, or [name]:port", clip(host, 100))
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(in.Key))
	if err != nil || len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return invalid("key", "is no public key: paste one line such as ssh-ed25519 AAAA...")
	}
	h.Host, h.KeyType, h.Created = host, key.Type(), c.s.cfg.Now()
	h.Key = key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal())
	return nil
}
