package outgoing

import (
	"fmt"
	"net/netip"
	"strings"
)

// rule tells which addresses may be reached.
type rule struct {
	allow   []netip.Prefix
	trusted bool
}

// metadata are services that tell a machine in a cloud its secrets. They answer
// every process on it.
var metadata = prefixes(
	"169.254.169.254/32",                    // AWS, Azure, Google, OpenStack and others
	"169.254.170.2/32",                      // tasks of AWS ECS
	"169.254.170.23/32",                     // pods of AWS EKS
	"100.100.100.200/32",                    // Alibaba
	"168.63.129.16/32",                      // Azure's wire server
	"192.0.0.192/32",                        // Oracle
	"fd00:ec2::254/128", "fd00:ec2::23/128", // AWS
	"fd20:ce::254/128", // Google
)

// special are networks that are no part of the public internet, as IANA's
// registries of special-purpose addresses list them.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "3fff::/20",
)

// Addresses of version 6 that stand for one of version 4, which begins at the
// given byte.
var (
	global  = netip.MustParsePrefix("2000::/3")
	carried = []struct {
		prefix netip.Prefix
		at     int
	}{
		{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64
		{netip.MustParsePrefix("2002::/16"), 2},     // 6to4
	}
)

func prefixes(list ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range list {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// check judges an address.
func (r rule) check(addr netip.Addr) error {
	if r.trusted {
		return nil
	}
	inner := plain(addr)
	switch {
	case within(metadata, inner):
		return fmt.Errorf("%w: %s serves the metadata of a cloud", ErrRefused, addr)
	case within(r.allow, inner) || within(r.allow, addr.WithZone("")):
		return nil
	case within(special, inner) || inner.Is6() && !global.Contains(inner):
		return fmt.Errorf("%w: %s is not public: list its network in outgoing.allow", ErrRefused, addr)
	}
	return nil
}

// plain strips what wraps an address of version 4, and the zone.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.WithZone("")
	if addr.Is4() || addr.Is4In6() {
		return addr.Unmap()
	}
	for _, c := range carried {
		if c.prefix.Contains(addr) {
			bytes := addr.As16()
			return netip.AddrFrom4([4]byte(bytes[c.at : c.at+4]))
		}
	}
	return addr
}

func within(list []netip.Prefix, addr netip.Addr) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// numeric tells whether a host that is no address in its usual form may be
// taken for one: decimal, octal, hexadecimal or shortened. Resolvers and
// proxies differ over them, and no name of a host ends in a number.
func numeric(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]
	last = strings.TrimSuffix(last, ".")
	hex, isHex := strings.CutPrefix(strings.ToLower(last), "0x")
	if isHex {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
