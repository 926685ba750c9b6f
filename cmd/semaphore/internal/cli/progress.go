package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/alexandervashurin/semaphore/export"
)

// progressEvery is how often a line of progress changes.
const progressEvery = 200 * time.Millisecond

// progressLine shows on a terminal how far something has come, in one line that
// changes. Elsewhere it shows nothing.
type progressLine struct {
	w     io.Writer // nil for nowhere
	last  time.Time
	shown bool
}

func newProgressLine(w io.Writer) *progressLine {
	if !isTerminal(w) {
		w = nil
	}
	return &progressLine{w: w}
}

func (p *progressLine) tell(now export.Progress) {
	if p.w == nil || time.Since(p.last) < progressEvery {
		return
	}
	p.last, p.shown = time.Now(), true
	size := ""
	if now.Bytes > 0 { // not everybody counts them
		size = fmt.Sprintf(", %d MB", now.Bytes>>20)
	}
	fmt.Fprintf(p.w, "\r%-24s %d rows%s\x1b[K", now.Table, now.Rows, size)
}

// end takes the line away.
func (p *progressLine) end() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
