//go:build linux

package cluster_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/internal/crash"
	"github.com/alexandervashurin/semaphore/internal/pgtest"
)

// Storms of a proxy leave connections whole that are between it and the two
// sides. A wire loses packets: what was sent is sent again later and later, no
// connection can be made, and nobody hears of its end.

// during lets a storm of a wire rage.
func during(begin, end func(*wire)) func(*machine, time.Duration) {
	return func(m *machine, length time.Duration) {
		begin(m.wire)
		time.Sleep(length) // the storm
		end(m.wire)
	}
}

// wireStorms are the storms of a network. Lost replies are lost acknowledgements
// too: after one more request of each connection nothing arrives.
func wireStorms() []storm {
	return []storm{
		{name: "the wire is pulled", again: true, rage: during((*wire).down, (*wire).up)},
		{name: "requests are lost", again: true, rage: during((*wire).deaf, (*wire).hears)},
		{name: "replies are lost", again: true, rage: during((*wire).mute, (*wire).speaks)},
		{name: "all takes two seconds", mild: true, rage: during((*wire).detour, (*wire).shortcut)},
		{name: "comes and goes", rage: func(m *machine, length time.Duration) {
			for end := time.Now().Add(length); time.Now().Before(end); {
				m.wire.down()
				time.Sleep(700 * time.Millisecond) // a part of the storm
				m.wire.up()
				time.Sleep(900 * time.Millisecond)
			}
		}},
	}
}

// TestARunnerInANetworkOfItsOwnRunsNothingTwice is
// [TestARunnerThatIsCutOffRunsNothingTwice] with real networks.
func TestARunnerInANetworkOfItsOwnRunsNothingTwice(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	f := newFleet(t, pgtest.Shared(t), "SEMAPHORE_LOST_AFTER_SEC=600", "SEMAPHORE_MAX_PARALLEL_TASKS=0")
	f.maxParallel, f.capacity, f.listen = 0, 3, n.host
	var servers []*machine
	for _, name := range []string{"server 1", "server 2"} {
		servers = append(servers, f.server(name).start().serves())
	}
	var fronts []*front
	for i, s := range wireStorms() {
		a := &front{storm: s, victim: f.runnerOf(s.name+" 1", s.name), spare: f.runnerOf(s.name+" 2", s.name)}
		a.victim.wire, a.victim.peer = n.wire(), servers[i%2].url()
		fronts = append(fronts, a)
	}
	weatherFronts(f, fronts, 40*time.Second)
}

// TestAServerInANetworkOfItsOwnRunsNothingTwice is
// [TestAServerThatIsCutOffRunsNothingTwice] with real networks.
func TestAServerInANetworkOfItsOwnRunsNothingTwice(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	pg := pgtest.OwnAt(t, netip.MustParsePrefix(n.host+"/24"))
	for _, s := range wireStorms() {
		w := n.wire()
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, pg)
			f.maxParallel, f.ttl, f.lostAfter = 0, 3*time.Second, 10*time.Second
			a := &front{storm: s, victim: f.server(s.name + " 1"), spare: f.server(s.name + " 2")}
			a.victim.wire, a.victim.peer = w, net.JoinHostPort(n.host, f.database.Port())
			for _, m := range []*machine{a.victim, a.spare} {
				m.mutant, f.tags[m.name] = complete, s.name
			}
			weatherFronts(f, []*front{a}, 25*time.Second)
		})
	}
}

// TestAPulledWireShowsARunnerThatDoesNotStop proves the wires: a runner whose
// tool runs on while another attempt begins is told from one that stops it.
func TestAPulledWireShowsARunnerThatDoesNotStop(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	s := scenario{play: func(f *fleet, m mutant) {
		f.listen = n.host
		cutOffBy(f, m, func(runner, server *machine) (cut, mend func()) {
			runner.wire, runner.peer = n.wire(), server.url()
			return runner.wire.down, runner.wire.up
		})
	}}
	require.Empty(t, s.faults(t, complete))
	var found []crash.Rule
	for _, fault := range s.faults(t, noStop) {
		found = append(found, fault.Rule)
	}
	require.Contains(t, found, crash.NoOverlap)
}
