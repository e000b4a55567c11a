package dsl

import (
	"fmt"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

var (
	phonePattern  = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)
	customPattern = regexp.MustCompile(`^custom\.[a-z][a-z0-9_.]*$`)
)

// workspace reads a workspace document.
func (r *docReader) workspace() *Workspace {
	m := r.mapping(r.src.root, placeWorkspace)
	if m == nil {
		return nil
	}
	ws := &Workspace{
		Name:     r.name(m.get("workspace")),
		Calendar: &Calendar{Days: weekdays(), Open: 9 * 60, Close: 17*60 + 30},
		QuietSMS: &Span{From: 21 * 60, To: 8 * 60},
		Purposes: map[string]Purpose{},
	}
	if n := m.get("locale"); n != nil {
		ws.Locale = r.localeOf(n)
	}
	if n := m.get("calendar"); n != nil {
		ws.Calendar = r.calendar(n)
	}
	if n := m.get("quiet"); n != nil {
		r.quiet(n, ws)
	}
	if n := m.get("limit"); n != nil {
		ws.Limit = r.limit(n)
	}
	if n := m.get("purposes"); n != nil {
		r.purposes(n, ws)
	}
	if n := m.get("track"); n != nil {
		r.tracking(n, ws)
	}
	if n := m.get("from"); n != nil {
		ws.From = r.from(n)
	}
	if n := m.get("privacy"); n != nil {
		ws.Privacy = r.emailAddress(n, "privacy")
	}
	if n := m.get("team"); n != nil {
		ws.Team = r.team(n)
	}
	if n := m.get("statuses"); n != nil {
		for _, s := range r.list(n, "statuses", false) {
			ws.Statuses = append(ws.Statuses, r.word(s, "a status"))
		}
	}
	if n := m.get("score"); n != nil {
		ws.Scoring = r.score(n)
	}
	r.processing(m, ws)
	return ws
}

// calendar reads opening hours. Days default to Monday to Friday, hours to 09:00-17:30.
func (r *docReader) calendar(n *yaml.Node) *Calendar {
	c := &Calendar{Days: weekdays(), Open: 9 * 60, Close: 17*60 + 30}
	m := r.mapping(n, placeCalendar)
	if m == nil {
		return c
	}
	if d := m.get("days"); d != nil {
		c.Days = r.days(d)
	}
	if h := m.get("hours"); h != nil {
		r.hours(h, c)
	}
	if z := m.get("zone"); z != nil {
		c.Zone, _ = r.text(z, "zone")
		if _, err := wallclock.Zone(c.Zone); err != nil && c.Zone != "candidate" && c.Zone != "" {
			r.add(z, codeZone, fmt.Sprintf("There is no time zone %q.", c.Zone), "Use an IANA name such as Europe/London, or candidate.")
		}
	}
	if h := m.get("holidays"); h != nil {
		c.Holidays = r.choice(h, placeCalendar, "holidays")
		if c.Holidays == "none" {
			c.Holidays = ""
		}
	}
	return c
}

func (r *docReader) days(n *yaml.Node) (days [7]bool) {
	for _, text := range r.texts(n, "days") {
		for part := range strings.SplitSeq(text, ",") {
			if !parseDays(strings.TrimSpace(part), &days) {
				r.add(n, codeValue, fmt.Sprintf("%q is not a day or a range of days.", clip(part)), "Write mon-fri, or a list of mon tue wed thu fri sat sun.")
				return days
			}
		}
	}
	if days == [7]bool{} {
		r.add(n, codeHours, "A window without days never opens.", "Name at least one day.")
	}
	return days
}

func (r *docReader) hours(n *yaml.Node, c *Calendar) {
	t, ok := r.text(n, "hours")
	if !ok {
		return
	}
	from, to, ok := parseHours(t)
	switch {
	case !ok:
		r.add(n, codeHours, fmt.Sprintf("%q is not a span of hours.", clip(t)), `Write it as "09:00-17:30".`)
	case from >= to:
		r.add(n, codeHours, fmt.Sprintf("A window of %q never opens: it closes before it opens.", t), "Hours end later on the same day; 24:00 is its end.")
	default:
		c.Open, c.Close = from, to
	}
}

func (r *docReader) quiet(n *yaml.Node, ws *Workspace) {
	m := r.mapping(n, placeQuiet)
	if m == nil {
		return
	}
	if e := m.get("email"); e != nil {
		ws.QuietEmail = r.span(e)
	}
	if s := m.get("sms"); s != nil {
		ws.QuietSMS = r.span(s)
	}
}

// span reads quiet hours, or none.
func (r *docReader) span(n *yaml.Node) *Span {
	t, ok := r.text(n, "quiet hours")
	if !ok || t == "none" {
		return nil
	}
	from, to, ok := parseHours(t)
	if !ok || from%minutesPerDay == to%minutesPerDay {
		r.add(n, codeHours, fmt.Sprintf("%q is not a span of hours.", clip(t)), `Write it as "21:00-08:00", or none.`)
		return nil
	}
	return &Span{From: from % minutesPerDay, To: to % minutesPerDay}
}

// maxLimitDays is how far a cap may look back; crm.CapHorizon is a little more.
const maxLimitDays = 90

// limit reads a cap such as 3/7d.
func (r *docReader) limit(n *yaml.Node) *Limit {
	t, ok := r.text(n, "limit")
	if !ok {
		return nil
	}
	count, per, found := strings.Cut(t, "/")
	c, err := strconv.Atoi(count)
	d, durErr := ParseDuration(per)
	if !found || err != nil || durErr != nil || c < 1 || d.Months != 0 || d.BusinessDays != 0 {
		r.add(n, codeLimit, fmt.Sprintf("%q is not a limit.", clip(t)), "Write a number of messages and a span, such as 3/7d.")
		return nil
	}
	exact := Duration{Exact: d.Exact + time.Duration(d.Days)*24*time.Hour}
	if exact.Exact > maxLimitDays*24*time.Hour {
		r.add(n, codeLimit, fmt.Sprintf("A limit looks back %d days at most.", maxLimitDays), "")
		return nil
	}
	return &Limit{Count: c, Per: exact}
}

func (r *docReader) purposes(n *yaml.Node, ws *Workspace) {
	entries, _ := r.entries(n, "purposes")
	for _, e := range entries {
		name := r.name(e.key)
		if name == crm.PurposeTransactional {
			r.add(e.key, codeReserved, "The purpose transactional is always there and needs no consent.", "Take it out.")
			continue
		}
		m := r.mapping(e.value, placePurpose)
		if m == nil || m.incomplete {
			continue
		}
		p := Purpose{Basis: crm.Basis(r.choice(m.get("basis"), placePurpose, "basis"))}
		if w := m.get("wording"); w != nil {
			p.Wording, _ = r.text(w, "wording")
		}
		if d := m.get("double_opt_in"); d != nil {
			if p.DoubleOptIn = r.flag(d, "double_opt_in"); p.DoubleOptIn && p.Basis == crm.BasisLegitimateInterest {
				r.add(m.keys["double_opt_in"], codeConflict, "Only a consent is confirmed; a legitimate interest needs none.", "Take double_opt_in out.")
			}
		}
		if x := m.get("expires"); x != nil {
			p.Expires = r.duration(x, "expires")
			if p.Basis == crm.BasisConsent {
				r.add(m.keys["expires"], codeConflict, "Only a legitimate interest expires; consent holds until it is revoked.", "Take expires out.")
			}
		}
		ws.Purposes[name] = p
	}
}

func purposeNames(ws *Workspace) []string { return slices.Collect(maps.Keys(ws.Purposes)) }

func (r *docReader) from(n *yaml.Node) (f From) {
	m := r.mapping(n, placeFrom)
	if m == nil {
		return f
	}
	if e := m.get("email"); e != nil {
		f.Email, _ = r.text(e, "from.email")
		if _, err := mail.ParseAddress(f.Email); err != nil && f.Email != "" {
			r.add(e, codeAddress, fmt.Sprintf("%q is not an email address.", clip(f.Email)), `Write it as "North Trust Careers <careers@trust.example>".`)
		}
	}
	if s := m.get("sms"); s != nil {
		f.SMS = r.phone(s, "from.sms")
	}
	if a := m.get("address"); a != nil {
		f.Address, _ = r.text(a, "from.address")
	}
	if p := m.get("sms_price"); p != nil {
		f.SMSPrice = r.price(p, "from.sms_price")
	}
	return f
}

// phone reads a number in the form of E.164.
func (r *docReader) phone(n *yaml.Node, place string) string {
	t, ok := r.text(n, place)
	if ok && !phonePattern.MatchString(t) {
		r.add(n, codeAddress, fmt.Sprintf("%q is not a phone number.", clip(t)), `Write it with the country code, as "+447700900000".`)
		return ""
	}
	return t
}

// team reads who owns candidates and sequences.
func (r *docReader) team(n *yaml.Node) map[string]Person {
	team := map[string]Person{}
	entries, _ := r.entries(n, "team")
	for _, e := range entries {
		p := Person{Email: strings.ToLower(r.emailAddress(e.key, "an address"))}
		m := r.mapping(e.value, placePerson)
		if m == nil || m.incomplete || p.Email == "" {
			continue
		}
		p.Name, _ = r.text(m.get("name"), "name")
		p.Name = oneLine(p.Name)
		if phone := m.get("phone"); phone != nil {
			p.Phone = r.phone(phone, "phone")
		}
		team[p.Email] = p
	}
	return team
}

// score reads how engagement is counted.
func (r *docReader) score(n *yaml.Node) *Scoring {
	s := &Scoring{Points: map[string]float64{}}
	m := r.mapping(n, placeScore)
	if m == nil {
		return s
	}
	if d := m.get("decay"); d != nil {
		s.Decay = r.halfLife(d)
	}
	if p := m.get("points"); p != nil {
		entries, _ := r.entries(p, "points")
		for _, e := range entries {
			if t, ok := r.eventType(e.key); ok {
				s.Points[t] = float64(r.number(e.value, "points", -1_000, 1_000))
			}
		}
	}
	return s
}

// halfLife reads how long points take to lose half their value. Days count as 24 hours, so that a score is the same
// wherever it is looked at.
func (r *docReader) halfLife(n *yaml.Node) time.Duration {
	d := r.duration(n, "decay")
	if d.Months != 0 || d.BusinessDays != 0 {
		r.add(n, codeDuration, "decay is a duration in days or less, such as 30d.", "")
		return 0
	}
	return d.Exact + time.Duration(d.Days)*24*time.Hour
}

// eventType checks an event type.
func (r *docReader) eventType(n *yaml.Node) (string, bool) {
	t, ok := r.text(n, "an event type")
	if !ok {
		return "", false
	}
	if _, known := crm.EventFields(t); !known || strings.HasPrefix(t, "custom.") && !customPattern.MatchString(t) {
		r.add(n, codeEventType, fmt.Sprintf("There is no event type %q.", clip(t)), suggest(t, crm.EventTypes()))
		return "", false
	}
	return t, true
}
