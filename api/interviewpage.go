package api

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/ical"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// How long a page of an interview waits, in seconds, before it looks whether its time is booked, or whether there are new times.
const (
	bookingRefresh = 3
	lookingRefresh = 20
)

// candidatePage is the page of an interview for its candidate. Links get forwarded: it names nobody but those who hold the meeting,
// and the candidate by their first name.
type candidatePage struct {
	facts

	State     crm.MeetingState
	Path      string // with the zone that was chosen
	Name      string // first name, or ""
	Note      string // what came of what the candidate has just done
	Waiting   bool   // the candidate has asked for other times
	Movable   bool
	Cancel    bool // there is still something to cancel
	Calendar  string
	ZoneLabel string
	Zones     []shownZone
	Days      []shownDay
	Asked     int

	// What the candidate has written, when it cannot be taken as it is.
	Needs, Wish                       string
	StartWrong, NeedsWrong, WishWrong string
}

type shownDay struct {
	Day   string
	Times []shownTime
}

type shownTime struct {
	Value, Clock, With string
}

// candidateVisit is a visit of a candidate to the page of an interview.
type candidateVisit struct {
	*sitting

	words *phrases.Words
	loc   *time.Location // in which times are shown
	page  candidatePage
	token string
}

// showInterview shows how it stands.
func (s *server) showInterview(c *gin.Context) {
	v, ok := s.candidateVisit(c)
	if !ok {
		return
	}
	if _, wanted := c.GetQuery("calendar"); wanted && v.State == crm.MeetingBooked && s.CalendarDomain != "" {
		s.downloadMeeting(c, v)
		return
	}
	s.showVisit(c, v, http.StatusOK)
}

// candidateVisit reads what the link is about. When it is not ok, the candidate has been told.
func (s *server) candidateVisit(c *gin.Context) (*candidateVisit, bool) {
	ctx := c.Request.Context()
	id := s.signedID(c, purposeSchedule)
	if id == "" {
		s.deadLink(c)
		return nil, false
	}
	m, err := s.Store.MeetingOf(ctx, id)
	var t *sitting
	if err == nil {
		t, err = s.readSitting(ctx, &m)
	}
	if !s.linkLeads(c, err) {
		return nil, false
	}
	v := &candidateVisit{sitting: t, words: s.speak(c, t.candidate.Locale), loc: t.zone(), token: c.Param("token")}
	if chosen := s.zones()[c.Query("zone")]; chosen != nil {
		v.loc = chosen
	}
	return v, true
}

// showVisit shows the page. When none of the times that were offered is left, new ones are asked for.
func (s *server) showVisit(c *gin.Context, v *candidateVisit, status int) {
	free := v.free()
	if v.State == crm.MeetingOffered && len(free) == 0 {
		if err := s.askAnew(c.Request.Context(), v.sitting); err != nil {
			s.tryAgain(c, err)
			return
		}
		free = v.free()
	}
	p := s.fill(v, free)
	refresh := map[crm.MeetingState]int{crm.MeetingHeld: bookingRefresh, crm.MeetingAsked: lookingRefresh}[v.State]
	s.show(c, status, "interview", &page{Words: v.words, Title: v.words.Say(v.title()), Content: p, Refresh: refresh})
}

func (v *candidateVisit) title() string {
	return map[crm.MeetingState]string{
		crm.MeetingAsked: "interview_looking_title", crm.MeetingOffered: "interview_pick_title", crm.MeetingHeld: "interview_held_title",
		crm.MeetingBooked: "interview_booked_title", crm.MeetingCompleted: "interview_completed_title",
		crm.MeetingNoShow: "interview_no_show_title", crm.MeetingCancelled: "interview_cancelled_title",
	}[v.State]
}

// fill says how it stands.
func (s *server) fill(v *candidateVisit, free []crm.Slot) *candidatePage {
	p := &v.page
	p.State, p.Name, p.facts, p.Asked = v.State, v.candidate.FirstName, v.facts(v.words, v.loc), v.Asked
	p.Waiting = v.Asked > v.AskedSeen
	p.Path = "/i/" + url.PathEscape(v.token)
	query := url.Values{}
	if v.loc.String() != v.zone().String() {
		query.Set("zone", v.loc.String())
		p.Path += "?" + query.Encode()
	}
	begun := !v.StartsAt.IsZero() && !v.now.Before(v.StartsAt)
	p.Cancel = v.Open() && !begun && v.State != crm.MeetingHeld
	if v.Reason == crm.MeetingTaken && p.Note == "" {
		p.Note = v.taken()
	}
	if v.State == crm.MeetingBooked {
		if _, address := v.ws.Company(); address != "" && s.CalendarDomain != "" {
			query.Set("calendar", "1")
			p.Calendar = "?" + query.Encode()
		}
		limit, by := v.moves(&v.Meeting)
		p.Movable = v.Movable(limit, by, v.now) == nil
		if !p.Movable {
			free = nil
		}
	}
	if v.State != crm.MeetingOffered && v.State != crm.MeetingBooked || len(free) == 0 {
		return p
	}
	first := free[0].StartsAt
	p.ZoneLabel, p.Zones, p.Days = zoneLabel(v.loc, first), shownZones(s.zones(), v.loc, first), v.days(free)
	return p
}

// taken says that the time that was picked went to somebody else.
func (v *candidateVisit) taken() string {
	switch v.State { //nolint:exhaustive // in the others it does not matter any more
	case crm.MeetingOffered:
		return v.words.Say("interview_taken")
	case crm.MeetingBooked:
		return v.words.Say("interview_taken_kept")
	}
	return ""
}

// days groups times by day. Where clocks change in between, a time says how far it is from UTC.
func (v *candidateVisit) days(free []crm.Slot) []shownDay {
	slices.SortStableFunc(free, func(a, b crm.Slot) int { return a.StartsAt.Compare(b.StartsAt) })
	var days []shownDay
	usual := offsetLabel(v.loc, free[0].StartsAt)
	for _, slot := range free {
		day := v.words.Day(slot.StartsAt.In(v.loc))
		if len(days) == 0 || days[len(days)-1].Day != day {
			days = append(days, shownDay{Day: day})
		}
		shown := shownTime{Value: slot.StartsAt.UTC().Format(time.RFC3339Nano), Clock: clock(slot, v.loc), With: v.names(slot.Seats)}
		if offset := offsetLabel(v.loc, slot.StartsAt); offset != usual {
			shown.Clock += " (" + offset + ")"
		}
		last := &days[len(days)-1]
		last.Times = append(last.Times, shown)
	}
	return days
}

// downloadMeeting sends the meeting as a file for the candidate's own calendar. It is the same event as that of the invitation,
// so that whoever takes both has one.
func (s *server) downloadMeeting(c *gin.Context, v *candidateVisit) {
	f := v.facts(v.words, v.loc)
	name, address := v.ws.Company()
	e := calendar.Event{
		UID: v.ID + "@" + s.CalendarDomain, Sequence: v.Sequence, Span: crm.Span{Start: v.StartsAt, End: v.EndsAt}, Zone: v.loc.String(),
		Summary: v.words.Say("interview_title"), Description: f.With, Location: v.Place, URL: f.Link,
		Organizer: calendar.Person{Name: name, Email: address},
	}
	if f.Role != "" {
		e.Summary += ": " + f.Role
	}
	file, err := ical.Publish(e, v.now)
	if err != nil {
		s.tryAgain(c, err)
		return
	}
	c.Header("Content-Disposition", `attachment; filename="interview.ics"`)
	c.Header("Cache-Control", "no-store")
	c.Header("X-Robots-Tag", "noindex")
	c.Data(http.StatusOK, file.ContentType, file.Content)
}
