package stage

import (
	"strconv"
	"strings"
)

// recapLine reads a host's line, such as
//
//	web1 : ok=8 changed=4 unreachable=0 failed=1 skipped=3 rescued=1 ignored=2
//
// of which versions before 2.8 lack the last three. It tells whether the line
// belongs to the recap; the first that does not ends it.
func (p *ansible) recapLine(head string) bool {
	text := strip(head)
	if text == "" && p.recap == recapStarts {
		return true
	}
	host, counters, ok := strings.Cut(text, " : ok=")
	if host = strings.TrimSpace(host); !ok || host == "" {
		p.endRecap()
		return false
	}
	h := Host{Host: host}
	for field := range strings.FieldsSeq("ok=" + counters) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			continue
		}
		switch name {
		case "ok":
			h.OK = n
		case "changed":
			h.Changed = n
		case "unreachable":
			h.Unreachable = n
		case "failed":
			h.Failed = n
		case "skipped":
			h.Skipped = n
		case "rescued":
			h.Rescued = n
		case "ignored":
			h.Ignored = n
		}
	}
	p.recap = recapHosts
	p.setHost(h)
	return true
}

// endRecap gives the recap's stage its sums.
func (p *ansible) endRecap() {
	if p.recap == noRecap {
		return
	}
	p.recap = noRecap
	sums := recapSums{Hosts: len(p.hosts)}
	for _, h := range p.hosts {
		sums.OK += h.OK
		sums.Changed += h.Changed
		sums.Unreachable += h.Unreachable
		sums.Failed += h.Failed
		sums.Skipped += h.Skipped
		sums.Rescued += h.Rescued
		sums.Ignored += h.Ignored
	}
	p.setResult(sums)
}

type recapSums struct {
	Hosts       int `json:"hosts"`
	OK          int `json:"ok"`
	Changed     int `json:"changed"`
	Unreachable int `json:"unreachable"`
	Failed      int `json:"failed"`
	Skipped     int `json:"skipped"`
	Rescued     int `json:"rescued"`
	Ignored     int `json:"ignored"`
}
