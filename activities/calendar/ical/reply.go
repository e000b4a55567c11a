package ical

import (
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// Reply is what somebody's mail program sent back about an invitation.
type Reply struct {
	UID      string
	Sequence int             // of the invitation that was answered
	Stamp    time.Time       // when it was answered; of two replies the later counts (RFC 5546, 2.1.5). Zero where it is not told
	From     calendar.Person // who answers. Anybody can write this: compare it with who sent the mail
	Answer   calendar.Answer
	Comment  string    // why, in the sender's own words
	Proposed *crm.Span // another time that the sender asks for (COUNTER); the answer is tentative then
}

// ParseReply reads the calendar part of a mail. It is nil for what is no answer to an invitation: an invitation of somebody
// else's, say.
func ParseReply(text []byte) (*Reply, error) {
	c, err := Parse(text)
	if err != nil {
		return nil, err
	}
	if c.method != "REPLY" && c.method != "COUNTER" || len(c.events) == 0 {
		return nil, nil //nolint:nilnil // nil says that it is no reply
	}
	part := c.events[0]
	from := part.first("ATTENDEE")
	if from == nil || part.value("UID") == "" {
		return nil, unreadable("bad_reply", "the reply does not say who answers, or to what")
	}
	reply := &Reply{
		UID: part.value("UID"), Sequence: sequence(part), From: person(from), Answer: answered(from), Comment: comment(part, from),
	}
	if stamp, form, ok := parseTime(part.value("DTSTAMP")); ok && form == formUTC {
		reply.Stamp = stamp
	}
	if c.method == "COUNTER" {
		found, err := c.Find(reply.UID, Owner{})
		if err != nil || found == nil {
			return nil, err
		}
		reply.Answer, reply.Proposed = calendar.Tentative, &found.Span
	}
	return reply, nil
}

// comment is why somebody answers so. Google writes it beside who answers.
func comment(part *component, from *line) string {
	if text := strings.TrimSpace(part.text("COMMENT")); text != "" {
		return text
	}
	return strings.TrimSpace(from.param("X-RESPONSE-COMMENT"))
}
