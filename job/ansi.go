package job

import "github.com/alexandervashurin/semaphore/job/internal/lines"

// StripANSI removes terminal sequences, such as colours, from a line.
func StripANSI(line string) string {
	return string(lines.StripANSI([]byte(line)))
}
