package sandbox

import (
	"encoding/json"
	"strings"
	"time"
)

// invitation is the part of a mail that calendars read, as a mail program sums it up.
type invitationPart struct {
	Method   string
	Summary  string
	When     string
	Location string
	Sequence string
}

// invitation is what a mail that was loaded with its request invites to; nil when it does not.
func (m *Message) invitation() *invitationPart {
	var request struct {
		Content []mailContent `json:"content"`
	}
	if json.Unmarshal(m.Raw, &request) != nil { // it was read when the mail came
		return nil
	}
	for _, c := range request.Content {
		if invitation.MatchString(c.Type) {
			return readInvitation(c.Value)
		}
	}
	return nil
}

// readInvitation reads the lines that it shows. Those of a zone's rules come before the event and mean something else.
func readInvitation(text string) *invitationPart {
	i, inEvent := &invitationPart{}, false
	unfolded := strings.NewReplacer("\r\n ", "", "\r\n\t", "").Replace(text)
	unescape := strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`)
	for line := range strings.SplitSeq(unfolded, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		name, parameter, _ := strings.Cut(name, ";")
		inEvent = inEvent || line == "BEGIN:VEVENT"
		switch {
		case name == "METHOD":
			i.Method = value
		case !inEvent:
		case name == "SUMMARY":
			i.Summary = unescape.Replace(value)
		case name == "LOCATION":
			i.Location = unescape.Replace(value)
		case name == "SEQUENCE":
			i.Sequence = value
		case name == "DTSTART":
			i.When = localTime(value, strings.TrimPrefix(parameter, "TZID="))
		}
	}
	return i
}

// localTime writes a time of iCalendar for people; what cannot be read is left as it is.
func localTime(value, zone string) string {
	at, err := time.Parse("20060102T150405", strings.TrimSuffix(value, "Z"))
	if err != nil {
		return value
	}
	if zone == "" {
		zone = "UTC"
	}
	return at.Format("Mon 2 Jan 2006, 15:04") + " " + zone
}
