//go:build linux

package cluster_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// namespaces is where iproute2 keeps the names of network namespaces.
const namespaces = "/run/netns"

// network is a private range of addresses whose first one is this machine. It is
// on a device that goes nowhere: what no wire takes gets lost there, and nothing
// of it leaves the machine. The device ends with this process, whatever ends it.
type network struct {
	t     testing.TB
	name  string // of devices and namespaces: begins with the process id
	base  string // the first three numbers of each address
	host  string // the address of this machine
	wires int
}

// newNetwork skips the test where there is none to be had, and says why.
func newNetwork(t testing.TB) *network {
	t.Helper()
	if !soak() {
		t.Skip("network namespaces are left out: SEMAPHORE_SOAK=1 asks for them")
	}
	if os.Getuid() != 0 {
		t.Skip("network namespaces are left out: only root makes them")
	}
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("network namespaces are left out: there is no %s here: apt-get install iproute2 util-linux", tool)
		}
	}
	sweep()
	n := &network{t: t}
	nowhere, err := n.claim()
	if errors.Is(err, errNoDevices) {
		t.Skipf("network namespaces are left out: %v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = nowhere.Close() })
	if err := ip("netns", "add", n.name+"n0"); err != nil {
		t.Skipf("network namespaces are left out: %v", err)
	}
	require.NoError(t, ip("netns", "del", n.name+"n0"))
	n.must("addr", "add", n.host+"/24", "dev", n.name)
	n.must("link", "set", n.name, "up")
	return n
}

// claim takes a name that no other network of this process has, and a range that
// this machine does not use.
func (n *network) claim() (*os.File, error) {
	for i := range 100 {
		n.name = fmt.Sprintf("sem%d%c", os.Getpid(), 'a'+rune(i%26))
		n.base = fmt.Sprintf("10.%d.%d.", 200+(os.Getpid()+i)/200%50, 20+(os.Getpid()+i)%200)
		n.host = n.base + "1"
		if _, err := net.InterfaceByName(n.name); err == nil || used(net.ParseIP(n.host)) {
			continue
		}
		f, err := openTun(n.name)
		if errors.Is(err, errDeviceTaken) {
			continue
		}
		return f, err
	}
	return nil, errors.New("claim a range of addresses: all are in use")
}

// used tells whether an address of this machine has a range with it.
func used(addr net.IP) bool {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range list {
		if r, ok := a.(*net.IPNet); ok && r.Contains(addr) {
			return true
		}
	}
	return false
}

// leftover is the name of a namespace or of a veth device, with the process that
// made it.
var leftover = regexp.MustCompile(`^sem([0-9]+)[a-z][nv][0-9]+$`)

// sweep removes what tests have left that were killed. A namespace lives on
// without its name as long as a connection in it does: devices are removed too.
func sweep() {
	dead := func(name string) bool {
		found := leftover.FindStringSubmatch(name)
		if found == nil {
			return false
		}
		_, err := os.Stat("/proc/" + found[1])
		return errors.Is(err, fs.ErrNotExist)
	}
	list, _ := os.ReadDir(namespaces)
	for _, entry := range list {
		if dead(entry.Name()) {
			_ = ip("netns", "del", entry.Name())
		}
	}
	devices, _ := net.Interfaces()
	for _, d := range devices {
		if dead(d.Name) {
			_ = ip("link", "del", d.Name)
		}
	}
}

// ip calls iproute2.
func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput() // ends by itself, and cleans up after the end of a context
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (n *network) must(args ...string) {
	n.t.Helper()
	require.NoError(n.t, ip(args...))
}

// wire is a pair of veth devices, the one in a namespace of its own, the other
// on this machine.
type wire struct {
	*network
	namespace  string
	near, nigh string // the device of this machine, and its address
	far        string // the address in the namespace, whose device is eth0
	slow       string // the devices of the slow way, but for an a on this side and a b there
}

// wrong is the address of no device: what is sent to it is taken by nobody.
const wrong = "02:00:00:00:00:01"

// wire makes a namespace that reaches this machine by the wire, and nothing else.
func (n *network) wire() *wire {
	n.t.Helper()
	n.wires++
	at := strconv.Itoa(n.wires)
	w := &wire{
		network: n, namespace: n.name + "n" + at, near: n.name + "v" + at, slow: n.name + "s" + at,
		nigh: n.base + strconv.Itoa(4*n.wires+1), far: n.base + strconv.Itoa(4*n.wires+2),
	}
	n.must("netns", "add", w.namespace)
	n.t.Cleanup(func() {
		// It would go with the namespace, but that may take a while.
		_ = ip("link", "del", w.near)
		require.NoError(n.t, ip("netns", "del", w.namespace))
	})
	n.must("link", "add", w.near, "type", "veth", "peer", "name", "eth0", "netns", w.namespace)
	n.must("addr", "add", w.nigh+"/30", "dev", w.near)
	w.there("addr", "add", w.far+"/30", "dev", "eth0")
	w.there("link", "set", "lo", "up")
	newLine(n.t, w.slow+"a", w.slow+"b")
	n.must("link", "set", w.slow+"b", "netns", w.namespace)
	n.must("link", "set", w.slow+"a", "up")
	w.there("link", "set", w.slow+"b", "up")
	w.up()
	return w
}

// here calls iproute2 from any goroutine; the test fails where it refuses.
func (w *wire) here(args ...string) {
	w.t.Helper()
	assert.NoError(w.t, ip(args...))
}

// there is here in the namespace.
func (w *wire) there(args ...string) {
	w.t.Helper()
	w.here(append([]string{"-n", w.namespace}, args...)...)
}

// inside is the command line that runs a program in the namespace. Nothing but
// the network is another one there.
func (w *wire) inside(path string, args ...string) (string, []string) {
	return "nsenter", append([]string{"--net=" + filepath.Join(namespaces, w.namespace), "--", path}, args...)
}

// down pulls the wire, at both ends.
func (w *wire) down() {
	w.here("link", "set", w.near, "down")
	w.there("link", "set", "eth0", "down")
}

// up plugs it in again. The route has gone with the device.
func (w *wire) up() {
	w.here("link", "set", w.near, "up")
	w.there("link", "set", "eth0", "up")
	w.direct()
}

// direct makes the wire the way to this machine.
func (w *wire) direct() {
	w.there("route", "replace", w.host, "via", w.nigh, "dev", "eth0", "src", w.far)
}

// detour makes the slow way the one of both sides.
func (w *wire) detour() {
	w.here("route", "replace", w.far, "dev", w.slow+"a", "src", w.host)
	w.there("route", "replace", w.host, "dev", w.slow+"b", "src", w.far)
}

// shortcut ends that.
func (w *wire) shortcut() {
	w.here("route", "del", w.far, "dev", w.slow+"a")
	w.direct()
}

// deaf loses all that is sent to this machine. Nobody is told.
func (w *wire) deaf() {
	w.there("neigh", "replace", w.nigh, "lladdr", wrong, "dev", "eth0", "nud", "permanent")
}

func (w *wire) hears() { w.there("neigh", "del", w.nigh, "dev", "eth0") }

// mute loses all that this machine sends. Nobody is told.
func (w *wire) mute() {
	w.here("neigh", "replace", w.far, "lladdr", wrong, "dev", w.near, "nud", "permanent")
}

func (w *wire) speaks() { w.here("neigh", "del", w.far, "dev", w.near) }
