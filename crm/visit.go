package crm

import (
	"slices"
	"strings"
	"time"
)

// TextKindMachine is the text_kind of a message event that no person made: a mail proxy opened the mail, a scanner followed its
// links. Such an event is kept, and nothing rests on it.
const TextKindMachine = "machine"

// Machine tells whether no person made the event of a message.
func (e *Event) Machine() bool {
	return strings.HasPrefix(e.Type, "message.") && e.Text("text_kind") == TextKindMachine
}

// Visit is an open or a click, as far as it is known who made it.
type Visit struct {
	URL       string // of a click: where the link leads; "" of an open
	Agent     string // what the program calls itself (RFC 9110, 10.1.5); "" when it is not known
	Automatic bool   // it says so by itself: a HEAD request, a prefetch, a mark of the provider
	At        time.Time
}

const (
	// arrivalWindow is how long after a message arrived nobody has read it yet, but a scanner has. The clocks of the provider and
	// of this machine may differ as much.
	arrivalWindow = 5 * time.Second
	// burstWindow is how quickly nobody follows two links, but a scanner does. Providers tell whole seconds.
	burstWindow = 2 * time.Second
)

// VisitSpan is how far around a visit there may be something that tells who made it.
const VisitSpan = arrivalWindow

// Machine tells whether a machine made a visit to a message: by what it says of itself, because the message had just arrived
// (been taken by the provider, or been delivered), or because another link of the message was followed within two seconds. Of an open
// only the first counts: mail programs show a mail the moment it arrives. Others are clicks on links of the same message,
// before or after this one.
func (v Visit) Machine(arrivals []time.Time, others []Visit) bool {
	if v.Automatic || automaticAgent(v.Agent) {
		return true
	}
	if v.URL == "" {
		return false
	}
	return slices.ContainsFunc(arrivals, func(t time.Time) bool { return !t.IsZero() && v.At.Sub(t).Abs() < arrivalWindow }) ||
		slices.ContainsFunc(others, func(o Visit) bool { return o.URL != "" && o.URL != v.URL && v.At.Sub(o.At).Abs() <= burstWindow })
}

// Arrivals are when the message is known to have arrived somewhere, for Visit.Machine.
func (m *Message) Arrivals() []time.Time {
	taken := m.AcceptedAt
	if m.Provider == "" { // no receipt yet: a scanner is faster, and what is known of the rest is from reports
		taken = m.ClaimedAt
	}
	return []time.Time{taken, m.DeliveredAt}
}

// automaticAgent tells whether a program is one that opens mail or follows links by itself. Apple's Mail Privacy Protection
// calls itself Mozilla/5.0 and nothing else; the proxies of Gmail and Yahoo name themselves behind a browser's name.
func automaticAgent(agent string) bool {
	agent = strings.ToLower(strings.TrimSpace(agent))
	return agent == "mozilla/5.0" || slices.ContainsFunc(automaticAgents(), func(word string) bool { return strings.Contains(agent, word) })
}

// automaticAgents are words of which one is in the name of every known proxy, scanner, crawler and library, in lower case. The
// slashes keep them from being the names of telephones (Cubot) or parts of other words.
func automaticAgents() []string {
	return []string{
		"googleimageproxy", "yahoomailproxy", "ggpht.com", // proxies of images
		"barracuda", "proofpoint", "mimecast", "symantec", "messagelabs", "trendmicro", "trend micro", "fortimail", "fortiguard",
		"ironport", "sophos", "zscaler", "cloudmark", "mailscanner", "mailguard", "urlscan", "virustotal", "safebrowsing", // scanners
		"bot/", "bot-", "crawler", "spider", "preview", "headless", "phantomjs", "facebookexternalhit", "whatsapp/", "google-safety",
		"curl/", "wget/", "python-", "python/", "go-http-client", "java/", "okhttp", "apache-httpclient", "libwww-perl", "axios/",
		"node-fetch", "guzzlehttp", "postmanruntime", // libraries
	}
}
