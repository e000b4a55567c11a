package dsl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// Interview is a scheduling loop of one or more rounds for one application.
type Interview struct {
	Name        string
	Hash        string
	Description string
	Owner       string // email, or ""
	Purpose     string
	ByHand      bool // enroll: by hand
	Enroll      []*Rule
	Exits       []*Match
	Rounds      []Round
	Invite      Notes
	Nudges      []Nudge
	GiveUp      *GiveUp     // nil: never
	Reminders   []Reminder  // in listing order
	Reschedule  *Reschedule // nil: not by the candidate
	NoShow      *NoShow
	Scorecard   *ScorecardRule // nil: none is asked for
	Survey      *LoopSurvey
	Program     *Program // what it compiles to
}

// Round is one interview of a loop.
type Round struct {
	ID           string
	If           *Condition // nil: always
	Duration     time.Duration
	Interviewers []Seat // all of them
	Offer        Offer
	Medium       string   // video, phone, onsite, or ""
	Place        string   // an address, a room or a link; "": see PlaceOf
	Attributes   []string // that the scorecard asks for notes on
}

// Seat is a place on a panel.
type Seat struct {
	HiringManager bool   // the application's; else:
	Group         string // a group of interviewers
	Any           int    // how many of the group; 0: everybody
}

// overlaps tells whether two places are taken from the same people.
func (s Seat) overlaps(other Seat) bool {
	return s.Group == other.Group && s.HiringManager == other.HiringManager
}

// Offer says which times a candidate may pick from.
type Offer struct {
	Slots  int
	Within Duration // from now
	Notice Duration // from now; zero: none
	Open   int      // minutes after midnight, in the interviewer's zone
	Close  int      // minutes after midnight; zero: the interviewer's own working hours
	Buffer time.Duration
}

// Notes names the messages that go out together, by channel; "" is none.
type Notes struct {
	Email string
	SMS   string
}

// Nudge asks again, some time after the invitation.
type Nudge struct {
	After Duration
	Notes
}

// GiveUp stops asking, some time after the invitation, and asks a person.
type GiveUp struct {
	After Duration
	Task  *Text
}

// Reminder goes out some time before an interview.
type Reminder struct {
	Before         Duration
	ToInterviewers bool // else to the candidate
	Notes
}

// Reschedule says how often, and until how long before the interview, the candidate may change its time.
type Reschedule struct {
	Limit int
	Until Duration
}

// NoShow says what happens when the candidate does not come.
type NoShow struct {
	After      time.Duration
	Task       *Text // nil: none
	OfferAgain int   // how often new times are offered
}

// ScorecardRule says when scorecards are due after an interview, and what happens when they are late.
type ScorecardRule struct {
	Due      Duration
	Nudge    Duration // after Due; zero: none
	Escalate Duration // after Due; zero: never
}

// LoopSurvey asks the candidate after the last interview.
type LoopSurvey struct {
	After Duration
	Use   string
	By    crm.Channel
}

// interviewVariables are what the messages of an interview can show.
func interviewVariables() []string {
	return []string{"interview.starts_at", "interview.ends_at", "interview.place", "interview.with", "links.schedule"}
}

// interviewReader reads an interview document. What its head, its exits and its messages have in common with a sequence's is
// read by that reader, on a program that nobody keeps.
type interviewReader struct {
	*sequenceReader
	loop *Interview
}

// interview reads an interview document.
func (r *docReader) interview() *Interview {
	m := r.mapping(r.src.root, placeInterview)
	if m == nil {
		return nil
	}
	i := &interviewReader{
		sequenceReader: &sequenceReader{docReader: r, p: &Program{PerApp: true}, steps: map[string]*step{}},
		loop:           &Interview{Name: r.name(m.get("interview")), Hash: hash(r.src.root)},
	}
	i.head(m)
	if n := m.get("enroll"); n != nil {
		i.enroll(n)
	}
	i.sc = scope{inRun: true, enroll: i.enrollTypes(), application: true, interview: true, rounds: map[string]bool{}}
	if n := m.get("rounds"); n != nil {
		i.rounds(n)
	}
	if n := m.get("exit"); n != nil {
		i.exits(n, placeInterviewExit)
	}
	i.asks(m)
	i.around(m)
	i.transactional(m)
	l := i.loop
	l.Description, l.Owner, l.Purpose, l.ByHand, l.Enroll, l.Exits = i.p.Description, i.p.Owner, i.p.Purpose, i.p.ByHand, i.p.Enroll, i.p.Exits
	i.p.Exits = append(i.p.Exits, closes(i.p.Exits)...)
	i.p.Name, i.p.Hash, i.p.Reenroll = l.Name, l.Hash, Reenroll{}
	l.Program = l.compile(i.p)
	return l
}

// outcomeClosed is how an interview ends whose application is over.
const outcomeClosed = "closed"

// closes are the exits that every interview has, for what it does not speak of itself: nobody is interviewed for an application
// that is over, or a role that is filled.
func closes(own []*Match) []*Match {
	types := []string{"application.withdrawn", "application.rejected", "application.hired", "role.closed"}
	types = slices.DeleteFunc(types, func(t string) bool {
		return slices.ContainsFunc(own, func(m *Match) bool { return slices.Contains(m.On, t) })
	})
	if len(types) == 0 {
		return nil
	}
	return []*Match{{On: types, Outcome: outcomeClosed}}
}

// enroll reads which applications the loop is for.
func (i *interviewReader) enroll(n *yaml.Node) {
	i.p.ByHand = i.rules(n, "This interview begins for nobody.", "enroll is {on, when}, a list of those, or `by hand`", i.rule)
}

// rule reads one rule of enrollment: an event that names an application.
func (i *interviewReader) rule(n *yaml.Node) {
	m := i.mapping(n, placeInterviewEnroll)
	if m == nil {
		return
	}
	r := &Rule{}
	for _, t := range i.optionalList(m.get("on"), "on") {
		name, ok := i.eventType(t)
		switch {
		case !ok:
		case !strings.HasPrefix(name, "custom.") && !namesApplication([]string{name}):
			i.add(t, codeConflict, fmt.Sprintf("An interview belongs to an application, and %s names none.", name), "Begin with an application.* event.")
		default:
			r.On = append(r.On, name)
		}
	}
	if w := m.get("when"); w != nil && len(r.On) > 0 {
		i.sc.application = true
		r.When = i.condition(w, i.sc.matching(r.On))
	}
	if len(r.On) > 0 {
		i.p.Enroll = append(i.p.Enroll, r)
	}
}

func (i *interviewReader) rounds(n *yaml.Node) {
	entries := i.list(n, "rounds", false)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		i.add(n, codeNoSteps, "An interview has at least one round.", "")
	}
	lines := map[string]int{}
	for at, e := range entries {
		m := i.mapping(e, placeRound)
		if m == nil {
			continue
		}
		r := i.round(m)
		if c := m.get("if"); c != nil {
			if at == 0 {
				i.note(c, crm.SeverityWarning, codeUnreachable, "When this is false, the interview ends before it began.", "Put the condition into enroll.")
			}
			r.If = i.condition(c, &i.sc)
		}
		if first := lines[r.ID]; first != 0 && r.ID != "" {
			i.add(m.get("id"), codeStepID, fmt.Sprintf("The id %q is used twice: also on line %d.", r.ID, first), "Ids are unique in an interview.")
		}
		lines[r.ID], i.sc.rounds[r.ID] = e.Line, true
		i.loop.Rounds = append(i.loop.Rounds, r)
	}
}

// round reads a round but for its condition.
func (i *interviewReader) round(m *mapping) (r Round) {
	if id := m.get("id"); id != nil {
		r.ID = i.word(id, "an id")
	}
	if d := m.get("duration"); d != nil {
		r.Duration = i.exact(d, "duration")
	}
	if who := m.get("interviewers"); who != nil {
		r.Interviewers = i.interviewers(who)
	}
	if o := m.get("offer"); o != nil {
		r.Offer = i.offer(o, r.Duration)
	}
	if where := m.get("medium"); where != nil {
		r.Medium = i.choice(where, placeRound, "medium")
	}
	if place := m.get("place"); place != nil {
		r.Place = i.place(place)
	}
	if looks := m.get("attributes"); looks != nil {
		r.Attributes = i.attributes(looks)
	}
	return r
}

// Bounds of what a scorecard asks for: more than a dozen attributes nobody fills in, and each is a label.
const (
	maxAttributes      = 12
	maxAttributeLength = 80
)

// attributes reads what a round looks at.
func (i *interviewReader) attributes(n *yaml.Node) []string {
	var list []string
	for _, e := range i.list(n, "attributes", false) {
		text, ok := i.text(e, "an attribute")
		switch {
		case !ok:
		case len(text) > maxAttributeLength:
			i.add(e, codeLong, fmt.Sprintf("An attribute has at most %d bytes; this one has %d.", maxAttributeLength, len(text)), "Name it in a few words.")
		case slices.Contains(list, text):
			i.add(e, codeConflict, fmt.Sprintf("The attribute %q is there twice.", clip(text)), "Keep one of them.")
		default:
			list = append(list, text)
		}
	}
	if len(list) > maxAttributes {
		i.add(n, codeLong, fmt.Sprintf("A scorecard asks for at most %d attributes; these are %d.", maxAttributes, len(list)), "Keep those that decide.")
	}
	return list
}

// maxPlace bounds a place, in bytes: it has to fit where calendars show it.
const maxPlace = 500

// place reads where a round is held: one line, as it is shown.
func (i *interviewReader) place(n *yaml.Node) string {
	text, ok := i.text(n, "place")
	switch {
	case !ok:
	case len(text) > maxPlace || text != oneLine(text):
		i.add(n, codeShape, "A place is one short line.", "Write an address, a room or a link.")
	case strings.Contains(text, "{{") || strings.Contains(text, "{%"):
		i.add(n, codeShape, "A place is shown as it is written, without variables.", "Leave it out for the interviewer's own link, or the candidate's number.")
	default:
		return text
	}
	return ""
}

// PlaceOf is where a meeting of the round is held: where the definition says; else, by video, at the link of the first of those who
// hold it and have one; and by phone, at the candidate's number. "" is not known.
func (r *Round) PlaceOf(c *crm.Candidate, panel []crm.Interviewer) string {
	switch {
	case r.Place != "":
		return r.Place
	case r.Medium == "phone":
		return c.Phone
	case r.Medium == "video":
		for i := range panel {
			if panel[i].MeetingURL != "" {
				return panel[i].MeetingURL
			}
		}
	}
	return ""
}

// exact reads a duration in hours, minutes or seconds, of a day at most.
func (r *docReader) exact(n *yaml.Node, place string) time.Duration {
	d := r.duration(n, place)
	if d.IsZero() {
		return 0
	}
	if d.Exact == 0 || d.Exact > 24*time.Hour {
		r.add(n, codeDuration, place+" is given in minutes or hours, and no longer than a day.", "Write for example 45m.")
		return 0
	}
	return d.Exact
}

// interviewers reads who holds a round.
func (i *interviewReader) interviewers(n *yaml.Node) []Seat {
	if n.Kind != yaml.MappingNode {
		return i.seat(n)
	}
	m := i.mapping(n, placeInterviewers)
	if m == nil {
		return nil
	}
	switch all := m.get("all"); {
	case all != nil && (m.get("any") != nil || m.get("of") != nil):
		i.add(n, codeConflict, "A round is held by all of a list, or by any of a group.", "Put {any, of} into the list of all.")
	case all != nil:
		return i.panel(all)
	case m.get("any") == nil && m.get("of") == nil:
		if len(m.values) == len(n.Content)/2 {
			i.add(n, codeMissingKey, `interviewers needs the keys "any" and "of", or "all".`, "Write {any: 1, of: GROUP}, {all: [..]}, hiring_manager, or a group's name.")
		}
	case i.require(m, placeInterviewers, "any", "of"):
		return i.anyOf(m)
	}
	return nil
}

// panel reads a list of interviewers who all take part.
func (i *interviewReader) panel(n *yaml.Node) []Seat {
	entries := i.list(n, "all", false)
	if n.Kind == yaml.SequenceNode && len(entries) == 0 {
		i.add(n, codeNoSteps, "This list names no interviewer.", "")
	}
	var all []Seat
	for _, e := range entries {
		var seats []Seat
		if e.Kind != yaml.MappingNode {
			seats = i.seat(e)
		} else if m := i.mapping(e, placeAnyOf); m != nil && !m.incomplete {
			seats = i.anyOf(m)
		}
		if slices.ContainsFunc(seats, func(s Seat) bool { return slices.ContainsFunc(all, s.overlaps) }) {
			i.add(e, codeConflict, "These interviewers are in the list already.", "Say how many there are: {any: 2, of: GROUP}.")
		}
		all = append(all, seats...)
	}
	return all
}

func (i *interviewReader) seat(n *yaml.Node) []Seat {
	if n.Kind == yaml.ScalarNode && n.Value == hiringManager {
		return []Seat{{HiringManager: true}}
	}
	if n.Kind == yaml.SequenceNode {
		i.add(n, codeShape, "interviewers is {any, of}, {all}, hiring_manager or a group's name, not a list.", "Write {all: [..]}.")
		return nil
	}
	return []Seat{{Group: i.name(n)}}
}

func (i *interviewReader) anyOf(m *mapping) []Seat {
	return []Seat{{Any: i.number(m.get("any"), "any", 1, 20), Group: i.name(m.get("of"))}}
}

// offer reads which times are offered, and refuses those that hold none.
func (i *interviewReader) offer(n *yaml.Node, length time.Duration) (o Offer) {
	m := i.mapping(n, placeOffer)
	if m == nil {
		return o
	}
	if s := m.get("slots"); s != nil {
		o.Slots = i.number(s, "slots", 1, 50)
	}
	if w := m.get("within"); w != nil {
		o.Within = i.duration(w, "within")
	}
	if b := m.get("buffer"); b != nil {
		o.Buffer = i.exact(b, "buffer")
	}
	if w := m.get("notice"); w != nil {
		o.Notice = i.duration(w, "notice")
		if never := o.Within; notShorter(o.Notice, never) {
			i.add(w, codeHours, fmt.Sprintf("No time is ever offered: %s from now is not within %s.", o.Notice, never), "Make within longer than notice.")
		}
	}
	if h := m.get("hours"); h != nil {
		c := &Calendar{}
		i.hours(h, c)
		o.Open, o.Close = c.Open, c.Close
		if open := time.Duration(c.Close-c.Open) * time.Minute; open > 0 && length > open {
			i.add(h, codeHours, fmt.Sprintf("No time is ever offered: an interview of %s does not fit into these hours.", Duration{Exact: length}), "Make the hours longer.")
		}
	}
	return o
}

// notShorter tells whether one duration surely is not shorter than another: both count in the same unit.
func notShorter(a, b Duration) bool {
	switch {
	case a.IsZero() || b.IsZero():
		return false
	case a.Months == 0 && b.Months == 0 && a.BusinessDays == 0 && b.BusinessDays == 0:
		day := 24 * time.Hour
		return a.Exact+time.Duration(a.Days)*day >= b.Exact+time.Duration(b.Days)*day
	}
	return a.Months >= b.Months && a.BusinessDays >= b.BusinessDays && a.Days >= b.Days && a.Exact >= b.Exact
}
