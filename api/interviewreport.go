package api

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// reportLasts is the longest period of a report.
const reportLasts = 400 * 24 * time.Hour

// InterviewReport tells how interviews go and who holds them.
type InterviewReport struct {
	From         time.Time          `json:"from"`
	To           time.Time          `json:"to"`
	Zone         string             `json:"zone" doc:"In which the days of the period are meant: the workspace's."`
	Interviewers []InterviewerShare `json:"interviewers" nullable:"false" doc:"Of interviews that begin in the period, by name."`
	Groups       []GroupShare       `json:"groups" nullable:"false" doc:"How evenly they are spread, by name."`
	Rounds       []RoundReport      `json:"rounds" nullable:"false" doc:"Of meetings that were begun in the period: when times began to be looked for."`
}

// InterviewerShare is what somebody has to do with interviews.
type InterviewerShare struct {
	ID           string   `json:"id"`
	Name         string   `json:"name,omitempty"`
	Email        string   `json:"email"`
	Groups       []string `json:"groups,omitempty"`
	Weight       int      `json:"weight"`
	Active       bool     `json:"active"`
	Trainee      bool     `json:"trainee,omitempty"`
	Held         int      `json:"held"`
	Upcoming     int      `json:"upcoming"`
	Missed       int      `json:"missed" doc:"The candidate did not come."`
	Shadowed     int      `json:"shadowed" doc:"In which they came along. Counted nowhere else."`
	Declined     int      `json:"declined" doc:"How often they said in the period that they cannot, or something else came up in their calendar."`
	Released     int      `json:"released" doc:"In which they were to be and which others hold: they were replaced, or the time was changed."`
	HoursPerWeek float64  `json:"hours_per_week" doc:"Of those held and upcoming, on average over the period."`
}

// GroupShare is how the interviews of a group's people are spread.
type GroupShare struct {
	Name    string        `json:"name"`
	Total   int           `json:"total" doc:"Held and upcoming, in whatever group they were asked for."`
	Members []MemberShare `json:"members" nullable:"false" doc:"The busiest first. Trainees and people who get no new interviews are left out."`
}

// MemberShare is somebody's part in a group.
type MemberShare struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Interviews int     `json:"interviews" doc:"Held and upcoming."`
	Share      float64 `json:"share" doc:"Of the group's, 0 to 1."`
	Fair       float64 `json:"fair" doc:"What it would be by weight alone."`
}

// RoundReport is how a round of an interview goes.
type RoundReport struct {
	Interview   string          `json:"interview"`
	Round       string          `json:"round"`
	Loops       int             `json:"loops" doc:"Runs that came to the round."`
	Meetings    int             `json:"meetings" doc:"More than loops where candidates did not come and were offered times again."`
	Booked      int             `json:"booked" doc:"For which a time was agreed at least once."`
	Held        int             `json:"held"`
	Rescheduled int             `json:"rescheduled" doc:"How often candidates changed the time."`
	NoShows     int             `json:"no_shows"`
	Cancelled   int             `json:"cancelled" doc:"By the candidate, or because the run ended."`
	GaveUp      int             `json:"gave_up" doc:"The candidate picked no time."`
	Open        int             `json:"open"`
	ToPick      Spread          `json:"to_pick" doc:"From the first offer to the candidate's choice."`
	ToSchedule  Spread          `json:"to_schedule" doc:"From when times began to be looked for until one was booked."`
	Scorecards  ScorecardReport `json:"scorecards"`
}

// Spread is how long something took, in hours by the clock: nights and weekends count.
type Spread struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P90    float64 `json:"p90" doc:"Nine of ten took no longer."`
}

// ScorecardReport is when scorecards came, by the definition in force and the workspace's business days.
type ScorecardReport struct {
	OnTime  int `json:"on_time"`
	Late    int `json:"late"`
	Missing int `json:"missing" doc:"Due, and not there."`
	Due     int `json:"due" doc:"Not there, and not due yet."`
}

func (s *server) registerReports() {
	huma.Register(s.huma, unaudited(operation(http.MethodGet, "/v1/reports/interviews", "report-interviews", interviewersTag, ScopeInterviewersRead, "Report on interviews",
		"Who holds how many, how fairly they are spread, and how long it takes to agree on a time. Without names or anything else of candidates."), "colleagues, and no candidates"), s.reportInterviews)
}

func (s *server) reportInterviews(ctx context.Context, in *struct {
	From string `query:"from" format:"date" doc:"The first day, in the workspace's zone. Without it, that of this month."`
	To   string `query:"to" format:"date" doc:"The last day. Without it, that of the month in which the period begins."`
},
) (*body[InterviewReport], error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, err
	}
	zone, now := dsl.ZoneOf(nil, set.Workspace), s.Now()
	period, err := periodOf(in.From, in.To, now.In(zone))
	if err != nil {
		return nil, err
	}
	loads, err := s.Store.InterviewerLoads(ctx, period, now)
	if err != nil {
		return nil, problemOf(err)
	}
	stories, err := s.Store.MeetingStories(ctx, period)
	if err != nil {
		return nil, problemOf(err)
	}
	r := InterviewReport{From: period.Start, To: period.End, Zone: zone.String(), Groups: groupShares(loads), Interviewers: []InterviewerShare{}}
	for i := range loads {
		r.Interviewers = append(r.Interviewers, shareOf(&loads[i], period))
	}
	r.Rounds = roundReports(stories, scorecardsDue(set, zone), now)
	return &body[InterviewReport]{Body: r}, nil
}

// periodOf reads the days of a report, of which the last is part.
func periodOf(from, to string, now time.Time) (period crm.Span, err error) {
	zone := now.Location()
	period.Start = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, zone)
	if from != "" {
		if period.Start, err = time.ParseInLocation(time.DateOnly, from, zone); err != nil {
			return period, invalid("from is no day.", "Write it like 2026-11-01.")
		}
	}
	period.End = time.Date(period.Start.Year(), period.Start.Month()+1, 1, 0, 0, 0, 0, zone)
	if to != "" {
		last, err := time.ParseInLocation(time.DateOnly, to, zone)
		if err != nil {
			return period, invalid("to is no day.", "Write it like 2026-11-30.")
		}
		period.End = last.AddDate(0, 0, 1)
	}
	switch {
	case !period.End.After(period.Start):
		return period, invalid("The period ends before it begins.", "Make to a day that is not before from.")
	case period.End.Sub(period.Start) > reportLasts:
		return period, invalid("The period is longer than 400 days.", "Ask for less at a time.")
	}
	return period, nil
}

func shareOf(l *store.InterviewerLoad, period crm.Span) InterviewerShare {
	weeks := period.End.Sub(period.Start).Hours() / (24 * 7)
	return InterviewerShare{
		ID: l.ID, Name: l.Name, Email: l.Email, Groups: l.Groups, Weight: max(l.Weight, 1), Active: l.Active, Trainee: l.Trainee,
		Held: l.Held, Upcoming: l.Upcoming, Missed: l.Missed, Shadowed: l.Shadowed, Declined: l.Declined, Released: l.Released,
		HoursPerWeek: rounded(l.Time.Hours() / weeks),
	}
}

// rounded is a number with two digits after the point.
func rounded(x float64) float64 { return math.Round(x*100) / 100 }

// groupShares compares the people of every group.
func groupShares(loads []store.InterviewerLoad) []GroupShare {
	groups := map[string][]*store.InterviewerLoad{}
	for i := range loads {
		if l := &loads[i]; l.Active && !l.Trainee {
			for _, g := range l.Groups {
				groups[g] = append(groups[g], l)
			}
		}
	}
	shares := []GroupShare{}
	for name, members := range groups {
		g := GroupShare{Name: name}
		weights := 0
		for _, l := range members {
			g.Total, weights = g.Total+l.Held+l.Upcoming, weights+max(l.Weight, 1)
		}
		for _, l := range members {
			n := l.Held + l.Upcoming
			g.Members = append(g.Members, MemberShare{
				ID: l.ID, Name: cmp.Or(l.Name, l.Email), Interviews: n,
				Share: rounded(float64(n) / float64(max(g.Total, 1))), Fair: rounded(float64(max(l.Weight, 1)) / float64(weights)),
			})
		}
		slices.SortStableFunc(g.Members, func(a, b MemberShare) int { return cmp.Compare(b.Interviews, a.Interviews) })
		shares = append(shares, g)
	}
	slices.SortFunc(shares, func(a, b GroupShare) int { return strings.Compare(a.Name, b.Name) })
	return shares
}

// scorecardsDue tells until when scorecards of a meeting are to be handed in, by the interviews in force; zero: none is asked for.
func scorecardsDue(set *dsl.Set, zone *time.Location) func(m *crm.Meeting) time.Time {
	return func(m *crm.Meeting) time.Time {
		loop := set.Interviews[m.Definition]
		if loop == nil || loop.Scorecard == nil || m.EndsAt.IsZero() {
			return time.Time{}
		}
		return loop.Scorecard.Due.Add(m.EndsAt, zone, set.Workspace.Calendar)
	}
}

// roundReports sums meetings up, which come in the order of their interviews and rounds.
func roundReports(stories []store.MeetingStory, due func(*crm.Meeting) time.Time, now time.Time) []RoundReport {
	reports := []RoundReport{}
	for len(stories) > 0 {
		first, n := &stories[0], 1
		for n < len(stories) && stories[n].Definition == first.Definition && stories[n].Round == first.Round {
			n++
		}
		reports = append(reports, roundReport(stories[:n], due, now))
		stories = stories[n:]
	}
	return reports
}

// roundReport sums up the meetings of one round.
func roundReport(stories []store.MeetingStory, due func(*crm.Meeting) time.Time, now time.Time) RoundReport {
	r := RoundReport{Interview: stories[0].Definition, Round: stories[0].Round, Meetings: len(stories)}
	runs := map[string]bool{}
	var toPick, toSchedule []time.Duration
	for i := range stories {
		m := &stories[i]
		runs[m.EnrollmentID] = true
		r.Rescheduled += m.Moves
		if !m.OfferedAt.IsZero() && m.PickedAt.After(m.OfferedAt) {
			toPick = append(toPick, m.PickedAt.Sub(m.OfferedAt))
		}
		if !m.FirstBooked.IsZero() {
			r.Booked++
			toSchedule = append(toSchedule, m.FirstBooked.Sub(m.CreatedAt))
		}
		r.count(m, now)
		r.Scorecards.count(&m.Meeting, due(&m.Meeting), now)
	}
	r.Loops, r.ToPick, r.ToSchedule = len(runs), spreadOf(toPick), spreadOf(toSchedule)
	return r
}

// count says where a meeting ended up.
func (r *RoundReport) count(m *store.MeetingStory, now time.Time) {
	switch {
	case m.State == crm.MeetingNoShow:
		r.NoShows++
	case m.State == crm.MeetingCancelled && (m.Reason == crm.RoundGaveUp || m.RunOutcome == crm.RoundGaveUp):
		r.GaveUp++
	case m.State == crm.MeetingCancelled:
		r.Cancelled++
	case m.State == crm.MeetingCompleted, m.State == crm.MeetingBooked && !m.EndsAt.After(now):
		r.Held++
	default:
		r.Open++
	}
}

// count says when the scorecards of a meeting came that took place.
func (c *ScorecardReport) count(m *crm.Meeting, due, now time.Time) {
	if due.IsZero() || m.EndsAt.After(now) || m.State != crm.MeetingBooked && m.State != crm.MeetingCompleted {
		return
	}
	for _, p := range m.Panel {
		switch {
		case p.Shadow:
		case p.Scorecard == nil && due.After(now):
			c.Due++
		case p.Scorecard == nil:
			c.Missing++
		case p.Scorecard.At.After(due):
			c.Late++
		default:
			c.OnTime++
		}
	}
}

// spreadOf sums durations up. Of an even number the median is the mean of the two in the middle; the 90th percentile is the
// nearest rank.
func spreadOf(all []time.Duration) Spread {
	n := len(all)
	if n == 0 {
		return Spread{}
	}
	slices.Sort(all)
	median := (all[(n-1)/2] + all[n/2]) / 2
	return Spread{Count: n, Median: rounded(median.Hours()), P90: rounded(all[(9*n+9)/10-1].Hours())}
}
