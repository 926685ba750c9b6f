//go:build linux

package cluster_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// slowness is how long a packet takes on a slow way, in each direction.
const slowness = 2 * time.Second

var (
	errNoDevices   = errors.New("there is no /dev/net/tun that may be used")
	errDeviceTaken = errors.New("another device has the name")
)

// newLine makes a slow way between two devices: this process takes the packets
// from the one to the other, for not every kernel has something that delays
// them. The devices go with the test.
func newLine(t testing.TB, nameA, nameB string) {
	t.Helper()
	a, err := openTun(nameA)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	b, err := openTun(nameB)
	require.NoError(t, err)
	var carrying sync.WaitGroup
	carrying.Go(func() { carry(a, b) })
	carrying.Go(func() { carry(b, a) })
	t.Cleanup(func() {
		_, _ = a.Close(), b.Close()
		carrying.Wait()
	})
}

// carry takes packets from one device to the other until both are closed.
func carry(from, to *os.File) {
	parcels := make(chan parcel, 1<<12)
	var writing sync.WaitGroup
	defer writing.Wait()
	defer close(parcels)
	writing.Go(func() {
		for p := range parcels {
			time.Sleep(time.Until(p.at.Add(slowness))) // what a long way takes
			_, _ = to.Write(p.data)                    // what is not taken is lost, as packets are
		}
	})
	for {
		buf := make([]byte, 2048)
		n, err := from.Read(buf)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil: // the device is down, or moves
			time.Sleep(10 * time.Millisecond)
		default:
			parcels <- parcel{buf[:n], time.Now()}
		}
	}
}

// openTun makes a device whose packets are read and written here. It is there
// as long as the file is open.
func openTun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoDevices, err)
	}
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	switch {
	case errors.Is(err, unix.EBUSY):
		err = errDeviceTaken
	case errors.Is(err, unix.EPERM):
		err = fmt.Errorf("%w: %w", errNoDevices, err)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
