package ical

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// Owner is whose calendar it is.
type Owner struct {
	Zone   *time.Location // of floating times and all-day events; nil is UTC
	Emails []string       // by which the owner is known among the attendees
}

// Calendar is a calendar that was read. It is safe for concurrent use.
type Calendar struct {
	method    string
	events    []*component          // VEVENT
	freeBusy  []*component          // VFREEBUSY
	timezones map[string]*component // VTIMEZONE by TZID
}

// Parse reads a calendar. Lines that are no properties are passed over. The error is a *calendar.Error of the kind unreadable.
func Parse(text []byte) (*Calendar, error) {
	root, err := tree(text)
	if err != nil {
		return nil, err
	}
	c := &Calendar{method: root.keyword("METHOD"), timezones: map[string]*component{}}
	for _, part := range root.parts {
		switch part.kind {
		case "VEVENT":
			c.events = append(c.events, part)
		case "VFREEBUSY":
			c.freeBusy = append(c.freeBusy, part)
		case "VTIMEZONE":
			c.timezones[part.value("TZID")] = part
		}
	}
	return c, nil
}

// Busy returns what takes the owner's time within the span, in the order and by the rules of calendar.Calendar. What is left out
// of a recurring event, and what was moved, counts where it is now.
func (c *Calendar) Busy(within crm.Span, owner Owner) ([]calendar.Block, error) {
	return Busy(within, owner, c)
}

// Busy is Calendar.Busy for a calendar that comes in pieces, each with its own zones. The limits are for all of them together.
func Busy(within crm.Span, owner Owner, pieces ...*Calendar) ([]calendar.Block, error) {
	r := newReader(within, owner)
	for _, c := range pieces {
		if err := r.read(c); err != nil {
			return nil, err
		}
	}
	calendar.SortBlocks(r.blocks)
	return r.blocks, nil
}

// reader makes blocks of events.
type reader struct {
	within crm.Span
	owner  Owner
	zones  zones
	work   *budget
	blocks []calendar.Block
}

func newReader(within crm.Span, owner Owner) *reader {
	if owner.Zone == nil {
		owner.Zone = time.UTC
	}
	return &reader{within: within, owner: owner, work: &budget{maxWork}}
}

// of makes the reader know the zones of a calendar.
func (r *reader) of(c *Calendar) *reader {
	r.zones = zones{
		rules: c.timezones, known: map[string]zone{}, work: r.work,
		span: [2]time.Time{r.within.Start.UTC().AddDate(-2, 0, 0), r.within.End.UTC().AddDate(2, 0, 0)},
	}
	return r
}

// read adds the blocks of a calendar.
func (r *reader) read(c *Calendar) error {
	r.of(c)
	same := map[string][]event{} // by UID: a series and its exceptions
	var uids []string
	for i, part := range c.events {
		e, ok, err := r.event(part)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		key := e.uid
		if key == "" {
			key = "\x00" + strconv.Itoa(i)
		}
		if _, seen := same[key]; !seen {
			uids = append(uids, key)
		}
		same[key] = append(same[key], e)
	}
	for _, uid := range uids {
		if err := r.expand(same[uid]); err != nil {
			return err
		}
	}
	return r.periods(c.freeBusy)
}

// add keeps a block if it is within the span.
func (r *reader) add(b calendar.Block) error {
	if !b.Overlaps(r.within) {
		return nil
	}
	if len(r.blocks) == maxBlocks {
		return unreadable("too_much", "it has more than %d events in this time", maxBlocks)
	}
	b.Start, b.End = b.Start.UTC(), b.End.UTC()
	r.blocks = append(r.blocks, b)
	return nil
}

// event is one VEVENT as far as time goes.
type event struct {
	part      *component
	uid       string
	zone      zone
	start     time.Time // wall time in the zone
	length    length
	allDay    bool
	free      bool // takes no time
	tentative bool

	exception bool      // one occurrence of a series, or with following all from there on
	following bool      // RANGE=THISANDFUTURE
	replaces  time.Time // the moment at which the occurrence would have begun
	day       bool      // replaces is all that day
}

// end is when an occurrence ends that begins at that wall time.
func (e *event) end(start time.Time) time.Time {
	return e.zone.moment(start.Add(e.length.wall)).Add(e.length.exact)
}

// event reads a VEVENT. It is false for one without a beginning.
func (r *reader) event(part *component) (event, bool, error) {
	begin := part.first("DTSTART")
	if begin == nil {
		return event{}, false, nil
	}
	start, form, in, err := r.when(begin, begin.value)
	if err != nil || in == nil {
		return event{}, false, err
	}
	e := event{part: part, uid: part.value("UID"), zone: in, start: start, allDay: form == formDate}
	if e.length, err = r.length(part, &e); err != nil {
		return event{}, false, err
	}
	answer := r.answer(part)
	show := part.keyword("X-MICROSOFT-CDO-BUSYSTATUS") // Outlook publishes it, and for some events nothing else
	e.free = part.keyword("STATUS") == "CANCELLED" || part.keyword("TRANSP") == "TRANSPARENT" ||
		show == "FREE" || show == "WORKINGELSEWHERE" || answer == calendar.Declined
	e.tentative = part.keyword("STATUS") == "TENTATIVE" || show == "TENTATIVE" || answer == calendar.Tentative
	if id := part.first("RECURRENCE-ID"); id != nil {
		wall, form, in, err := r.when(id, id.value)
		if err != nil || in == nil {
			return event{}, false, err
		}
		e.exception, e.following = true, strings.EqualFold(id.param("RANGE"), "THISANDFUTURE")
		e.replaces, e.day = in.moment(wall), form == formDate && !e.allDay
		if e.day {
			e.replaces = wall
		}
	}
	return e, true, nil
}

// when reads a time of a property, and in which zone it is meant. The zone is nil if it cannot be read.
func (r *reader) when(l *line, text string) (time.Time, form, zone, error) {
	wall, form, ok := parseTime(text)
	switch id := l.param("TZID"); {
	case !ok:
		return wall, form, nil, nil
	case form == formUTC:
		return wall, form, place{time.UTC}, nil
	case form == formLocal && id != "":
		in, err := r.zones.named(id)
		return wall, form, in, err
	}
	return wall, form, place{r.owner.Zone}, nil
}

// length reads how long an event is. Wall time is what counts where both ends are in the same zone.
func (r *reader) length(part *component, e *event) (length, error) {
	whole := length{}
	if e.allDay {
		whole.wall = 24 * time.Hour
	}
	if l := part.first("DTEND"); l != nil {
		wall, form, in, err := r.when(l, l.value)
		if err != nil {
			return length{}, err
		}
		switch {
		case in == nil, (form == formDate) != e.allDay:
		case in == e.zone:
			return length{wall: max(wall.Sub(e.start), whole.wall)}, nil
		default:
			return length{exact: max(in.moment(wall).Sub(e.zone.moment(e.start)), 0)}, nil
		}
	}
	if l, ok := parseDuration(part.value("DURATION")); ok && l != (length{}) {
		return l, nil
	}
	return whole, nil
}

// answer is what the owner said to the invitation.
func (r *reader) answer(part *component) calendar.Answer {
	answer := calendar.None
	for i := range part.lines {
		if l := &part.lines[i]; l.name == "ATTENDEE" && r.owner.is(address(l)) {
			answer = answered(l)
		}
	}
	return answer
}

func (o *Owner) is(email string) bool {
	return email != "" && slices.ContainsFunc(o.Emails, func(own string) bool { return strings.EqualFold(own, email) })
}

// address is the email address of an ATTENDEE or ORGANIZER. Servers that write another kind of address put it in a parameter.
func address(l *line) string {
	const scheme = "mailto:"
	value := strings.TrimSpace(l.value)
	if len(value) > len(scheme) && strings.EqualFold(value[:len(scheme)], scheme) {
		return strings.TrimSpace(value[len(scheme):])
	}
	if email := l.param("EMAIL"); email != "" {
		return email
	}
	if strings.Contains(value, "@") && !strings.Contains(value, ":") {
		return value
	}
	return ""
}

func answered(l *line) calendar.Answer {
	switch strings.ToUpper(l.param("PARTSTAT")) {
	case "ACCEPTED":
		return calendar.Accepted
	case "DECLINED":
		return calendar.Declined
	case "TENTATIVE":
		return calendar.Tentative
	}
	return calendar.None
}

// periods adds what free-busy answers say (RFC 5545, 3.8.2.6).
func (r *reader) periods(parts []*component) error {
	for _, part := range parts {
		err := part.all("FREEBUSY", func(l *line) error {
			kind := strings.ToUpper(l.param("FBTYPE"))
			if kind == "FREE" {
				return nil
			}
			for text := range strings.SplitSeq(l.value, ",") {
				e, ok, err := r.period(l, text)
				if err != nil {
					return err
				}
				if ok {
					span := crm.Span{Start: e.zone.moment(e.start), End: e.end(e.start)}
					if err := r.add(calendar.Block{Span: span, Tentative: kind == "BUSY-TENTATIVE"}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// period reads a start and an end, or a start and a duration.
func (r *reader) period(l *line, text string) (event, bool, error) {
	first, second, ok := strings.Cut(text, "/")
	start, _, in, err := r.when(l, first)
	if err != nil || in == nil || !ok {
		return event{}, false, err
	}
	e := event{zone: in, start: start}
	if e.length, ok = parseDuration(second); ok {
		return e, true, nil
	}
	end, _, in, err := r.when(l, second)
	if err != nil || in == nil {
		return event{}, false, err
	}
	e.length.exact = max(in.moment(end).Sub(e.zone.moment(e.start)), 0)
	return e, true, nil
}
