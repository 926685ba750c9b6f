package secret

import "net/http"

// NewVault makes a Vault for the suite.
func NewVault(p VaultParams, token string, client *http.Client) (*Vault, error) {
	return newVault(p, token, client, nil)
}

// Decode is decode.
var Decode = decode

// EscapePath is escapePath.
var EscapePath = escapePath
