package outgoing_test

import (
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/outgoing"
)

// hosts that no member of a project may reach, however they are spelled.
var refused = []string{
	"127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
	"169.254.1.1", "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
	"224.0.0.1", "239.255.255.255", "255.255.255.255", "198.18.0.1",
	"[::1]", "[::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]",
	"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]",
	"[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:db8::1]",
	"2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "127.1", "0177.0.0.1", "127.0.0.1.",
}

func TestWhatIsNotPublicIsRefused(t *testing.T) {
	t.Parallel()
	for _, host := range refused {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			client := outgoing.Client(outgoing.Config{Proxy: noProxy, Resolver: newDNS(t, nil)})
			require.ErrorIs(t, get(t, client, "http://"+host+":9/"), outgoing.ErrRefused)
		})
		t.Run(host+" behind a proxy", func(t *testing.T) {
			t.Parallel()
			client := outgoing.Client(outgoing.Config{Proxy: deadProxy, Resolver: newDNS(t, nil)})
			require.ErrorIs(t, get(t, client, "http://"+host+":9/"), outgoing.ErrRefused)
		})
	}
}

func TestWhatIsPublicIsNot(t *testing.T) {
	t.Parallel()
	// A proxy that is not there answers for them: no test leaves this machine.
	client := outgoing.Client(outgoing.Config{Proxy: deadProxy, Resolver: newDNS(t, nil)})
	for _, host := range []string{
		"1.1.1.1", "8.8.8.8", "172.32.0.1", "172.15.0.1", "11.0.0.1", "192.169.0.1", "100.128.0.1", "169.253.0.1",
		"[2606:4700::1111]", "[64:ff9b::8.8.8.8]", "[2002:808:808::1]", "[::ffff:8.8.8.8]", "unknown.example",
	} {
		err := get(t, client, "http://"+host+"/")
		require.Error(t, err)
		require.NotErrorIs(t, err, outgoing.ErrRefused, host)
		var failed *net.OpError
		require.ErrorAs(t, err, &failed, host)
		require.Equal(t, "proxyconnect", failed.Op, host)
	}
}

func TestWhatIsAllowed(t *testing.T) {
	t.Parallel()
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	t.Run("can be reached", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(http.ResponseWriter, *http.Request) {})
		require.NoError(t, get(t, clientOf(t, outgoing.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}), server.URL))
		require.NoError(t, get(t, clientOf(t, outgoing.Config{Allow: all}), server.URL))
		require.ErrorIs(t, get(t, clientOf(t, outgoing.Config{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}), server.URL), outgoing.ErrRefused)
	})
	for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"} {
		t.Run("but for metadata at "+host, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, get(t, clientOf(t, outgoing.Config{Allow: all}), "http://"+host+"/"), outgoing.ErrRefused)
		})
	}
	t.Run("is everything for the administrator", func(t *testing.T) {
		t.Parallel()
		server := serve(t, func(http.ResponseWriter, *http.Request) {})
		require.NoError(t, get(t, clientOf(t, outgoing.Config{Trusted: true}), server.URL))
	})
}
