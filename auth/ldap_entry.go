package auth

import (
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// subjectAttributes name what stays the same when an entry is renamed, in
// OpenLDAP, 389 Directory Server, FreeIPA and Active Directory. People cannot
// change it, as they often can their address.
func subjectAttributes() []string {
	return []string{"entryUUID", "nsUniqueId", "ipaUniqueID", "objectGUID"}
}

// claims makes an entry what expressions look at.
func (l *LDAP) claims(entry *ldap.Entry) map[string]any {
	claims := map[string]any{}
	for _, name := range l.attributes {
		// Of several values the first one counts; lists see them all.
		if values := entry.GetEqualFoldAttributeValues(name); len(values) > 0 {
			claims[name] = values[0]
		}
		if strings.EqualFold(name, "dn") {
			claims[name] = entry.DN
		}
	}
	return claims
}

// external is the account of an entry.
func (l *LDAP) external(entry *ldap.Entry, claims map[string]any) *External {
	ext := &External{
		Source: SourceLDAP, Username: l.uid.Text(claims), Name: l.cn.Text(claims), Email: l.mail.Text(claims),
		Groups: l.entryGroups(entry, claims),
	}
	if subject := subject(entry); subject != "" {
		ext.Issuer, ext.Subject = l.issuer, subject
	}
	return ext
}

// entryGroups reads all values of the groups' attributes.
func (l *LDAP) entryGroups(entry *ldap.Entry, claims map[string]any) []string {
	all := map[string]any{}
	for name, value := range claims {
		all[name] = value
		if values := entry.GetEqualFoldAttributeValues(name); len(values) > 1 {
			list := make([]any, len(values))
			for i, v := range values {
				list[i] = v
			}
			all[name] = list
		}
	}
	return l.group.List(all)
}

// subject is "" where the directory has no such thing.
func subject(entry *ldap.Entry) string {
	for _, name := range subjectAttributes() {
		i := slices.IndexFunc(entry.Attributes, func(a *ldap.EntryAttribute) bool { return strings.EqualFold(a.Name, name) })
		if i < 0 || len(entry.Attributes[i].ByteValues) == 0 {
			continue
		}
		value := entry.Attributes[i].ByteValues[0]
		if strings.EqualFold(name, "objectGUID") || !utf8.Valid(value) {
			return name + ":" + hex.EncodeToString(value)
		}
		return name + ":" + strings.ToLower(string(value))
	}
	return ""
}
