package nodes

import (
	"sync"
	"time"
)

// sights are when the servers last wrote, by the clock of this one: the clocks
// of servers may differ by more than it takes to count as gone.
type sights struct {
	mu     sync.Mutex
	looked time.Time // before that nothing of what is new now was there
	of     map[string]sight
}

type sight struct{ seen, at time.Time }

// look returns for each node when it wrote last. What has changed since the last
// look was written since then, whatever the other's clock says of it. Of nodes
// that are looked at for the first time their clock is believed, if it is not
// ahead.
func (s *sights) look(list []Node, now time.Time) map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, at := map[string]sight{}, map[string]time.Time{}
	for _, n := range list {
		last, known := s.of[n.ID]
		if !known || !last.seen.Equal(n.Seen) {
			last = sight{seen: n.Seen, at: n.Seen}
			if known && last.at.Before(s.looked) {
				last.at = s.looked
			}
			if last.at.After(now) {
				last.at = now
			}
		}
		of[n.ID], at[n.ID] = last, last.at
	}
	s.of, s.looked = of, now
	return at
}
