package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/store"
)

// InterviewerInput is what somebody says about an interviewer. A field that is left out stays as it is; an empty one is cleared.
type InterviewerInput struct {
	Email       string   `json:"email,omitempty" doc:"Names them; unique, in any case." example:"maya@trust.example"`
	Name        string   `json:"name,omitempty" doc:"As candidates and colleagues see it." example:"Maya Shah"`
	Locale      string   `json:"locale,omitempty" doc:"Language of mail to them (BCP 47); the workspace's if it is left out." example:"en-GB"`
	MeetingURL  string   `json:"meeting_url,omitempty" doc:"Where they hold video interviews that have no place of their own; a link." example:"https://meet.example/maya"`
	Zone        string   `json:"zone,omitempty" doc:"IANA name of the zone in which hours, days and weeks are meant; the workspace's if it is left out." example:"Europe/London"`
	Hours       string   `json:"hours,omitempty" doc:"When they work; the hours of the round on the workspace's days if it is left out. A day that is named again has the later hours only." example:"mon-thu 09:00-12:00,13:00-17:30; fri 09:00-12:00"`
	Skills      []string `json:"skills,omitempty" nullable:"false"`
	Groups      []string `json:"groups,omitempty" nullable:"false" doc:"What rounds ask for; names in lower case." example:"[\"recruiters\"]"`
	DailyLimit  int      `json:"daily_limit,omitempty" doc:"Interviews a day in their zone; 0: any number."`
	WeeklyLimit int      `json:"weekly_limit,omitempty" doc:"Interviews a week, Monday to Sunday in their zone; 0: any number."`
	MinGap      string   `json:"min_gap,omitempty" doc:"At least this long between two interviews." example:"15m"`
	Weight      int      `json:"weight,omitempty" doc:"Who has 2 gets twice the interviews of who has 1; 1 if it is left out."`
	Trainee     bool     `json:"trainee,omitempty" doc:"Comes along, and never counts as one of those who hold an interview."`
	Active      bool     `json:"active,omitempty" doc:"false: gets no new interviews. Who is new is active."`

	present map[string]bool
}

// UnmarshalJSON remembers which fields are given.
func (in *InterviewerInput) UnmarshalJSON(text []byte) error {
	type plain InterviewerInput
	var err error
	in.present, err = readFields(text, (*plain)(in))
	return err
}

// write is what the store is asked to do. The input has been checked.
func (in *InterviewerInput) write() store.InterviewerWrite {
	hours, _ := crm.ParseHours(in.Hours)   // checked
	gap, _ := dsl.ParseDuration(in.MinGap) // checked; none is no time
	return store.InterviewerWrite{Present: in.present, Interviewer: crm.Interviewer{
		Email: in.Email, Name: in.Name, Locale: in.Locale, MeetingURL: in.MeetingURL, Zone: in.Zone, Hours: hours, Skills: in.Skills, Groups: in.Groups, DailyLimit: in.DailyLimit,
		WeeklyLimit: in.WeeklyLimit, MinGap: gap.Exact, Weight: max(in.Weight, 1), Trainee: in.Trainee, Active: in.Active,
	}}
}

// Interviewer is an interviewer, when they are away and how their calendars are.
type Interviewer struct {
	ID          string     `json:"id"`
	Email       string     `json:"email"`
	Name        string     `json:"name,omitempty"`
	Locale      string     `json:"locale,omitempty"`
	MeetingURL  string     `json:"meeting_url,omitempty"`
	Zone        string     `json:"zone,omitempty"`
	Hours       string     `json:"hours,omitempty"`
	Skills      []string   `json:"skills" nullable:"false"`
	Groups      []string   `json:"groups" nullable:"false"`
	DailyLimit  int        `json:"daily_limit,omitempty"`
	WeeklyLimit int        `json:"weekly_limit,omitempty"`
	MinGap      string     `json:"min_gap,omitempty"`
	Weight      int        `json:"weight"`
	Trainee     bool       `json:"trainee"`
	Active      bool       `json:"active"`
	TimeOff     []Away     `json:"time_off" nullable:"false"`
	Calendars   []Calendar `json:"calendars" nullable:"false" doc:"Without any, what is booked here is all there is."`
}

func interviewerOf(i *crm.Interviewer, calendars []crm.CalendarLink) Interviewer {
	out := Interviewer{
		ID: i.ID, Email: i.Email, Name: i.Name, Locale: i.Locale, MeetingURL: i.MeetingURL, Zone: i.Zone, Hours: i.Hours.String(), Skills: notNil(i.Skills), Groups: notNil(i.Groups),
		DailyLimit: i.DailyLimit, WeeklyLimit: i.WeeklyLimit, Weight: max(i.Weight, 1), Trainee: i.Trainee, Active: i.Active,
		TimeOff: awayOf(i.TimeOff), Calendars: []Calendar{},
	}
	if i.MinGap > 0 {
		out.MinGap = dsl.Duration{Exact: i.MinGap}.String()
	}
	for n := range calendars {
		if calendars[n].InterviewerID == i.ID {
			out.Calendars = append(out.Calendars, calendarOf(&calendars[n]))
		}
	}
	return out
}

// WrittenInterviewer is what became of a write.
type WrittenInterviewer struct {
	ID      string   `json:"id"`
	Created bool     `json:"created"`
	Changed []string `json:"changed" nullable:"false" doc:"The fields that got new values."`
}

// InterviewerBatch is several interviewers.
type InterviewerBatch struct {
	Items []InterviewerInput `json:"items" minItems:"1" maxItems:"1000" nullable:"false"`
}

// InterviewerResult is what became of one item of a batch.
type InterviewerResult CandidateResult

// InterviewerResults is what became of every item, in their order.
type InterviewerResults struct {
	Results []InterviewerResult `json:"results" nullable:"false"`
}

// InterviewerGroup is a group that rounds ask for.
type InterviewerGroup struct {
	Name     string   `json:"name"`
	Active   int      `json:"active" doc:"Who can hold interviews: active, and no trainees."`
	Trainees int      `json:"trainees" doc:"Active trainees."`
	Inactive int      `json:"inactive"`
	NamedBy  []string `json:"named_by" nullable:"false" doc:"The interviews in force that ask for it. With nobody active in it they find no times."`
}

// InterviewerChange is what somebody changed about an interviewer. Values are not kept.
type InterviewerChange struct {
	At     time.Time `json:"at"`
	By     string    `json:"by" doc:"The name of the key."`
	What   string    `json:"what" enum:"created,changed,time_off,calendar_link,calendar_connected,calendar_changed,calendar_removed,deleted"`
	Fields []string  `json:"fields" nullable:"false" doc:"The fields that got new values, or the kind of calendar."`
}

// InterviewerRef names an interviewer.
type InterviewerRef struct {
	ID string `path:"id" maxLength:"1000" doc:"The interviewer's id or email address."`
}

const interviewersTag = "Interviewers"

func (s *server) registerInterviewers() {
	read := func(path, id, summary, description string) huma.Operation {
		return unaudited(operation(http.MethodGet, path, id, interviewersTag, ScopeInterviewersRead, summary, description), "colleagues, and no candidates")
	}
	write := func(method, path, id, summary, description string) huma.Operation {
		return changes(operation(method, path, id, interviewersTag, ScopeInterviewersWrite, summary, description), crm.AuditChange, "interviewer")
	}
	create := write(http.MethodPost, "/v1/interviewers", "create-interviewer", "Create an interviewer", "Refused when the email address is taken.")
	create.DefaultStatus = http.StatusCreated
	huma.Register(s.huma, create, s.createInterviewer)
	batch := write(http.MethodPost, "/v1/interviewers/batch", "upsert-interviewers", "Create or change up to 1,000 interviewers",
		"By their email addresses. Each item is judged alone and written wholly or not at all.")
	batch.MaxBodyBytes, batch.RequestBody = maxEventsBody, &huma.RequestBody{Required: true}
	huma.Register(s.huma, batch, s.upsertInterviewers)
	schema := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[InterviewerBatch](), true, "")
	batch.RequestBody.Content = map[string]*huma.MediaType{mediaJSON: {Schema: schema}} // judged item by item
	huma.Register(s.huma, write(http.MethodPut, "/v1/interviewers/{id}", "upsert-interviewer", "Create or change an interviewer",
		"By an email address somebody new is created; by an id the email address can be changed. Sending the same again changes nothing."), s.upsertInterviewer)
	huma.Register(s.huma, write(http.MethodDelete, "/v1/interviewers/{id}", "delete-interviewer", "Delete an interviewer",
		"With their calendars and time off. Refused while interviews refer to them: make them inactive then."), s.deleteInterviewer)
	huma.Register(s.huma, read("/v1/interviewers", "list-interviewers", "List interviewers", "The newest first."), s.listInterviewers)
	huma.Register(s.huma, read("/v1/interviewers/{id}", "get-interviewer", "Get an interviewer", ""), s.getInterviewer)
	huma.Register(s.huma, read("/v1/interviewers/{id}/changes", "list-interviewer-changes", "List what was changed about an interviewer",
		"The newest first. By id, it is there after they were deleted too."), s.listInterviewerChanges)
	huma.Register(s.huma, read("/v1/interviewer-groups", "list-interviewer-groups", "List groups of interviewers",
		"Those that somebody is in, and those that interviews in force ask for."), s.listInterviewerGroups)
	huma.Register(s.huma, write(http.MethodPut, "/v1/interviewers/{id}/time-off", "set-time-off", "Say when an interviewer is away",
		"It replaces what was said before. Nobody is asked why."), s.setTimeOff)
	huma.Register(s.huma, write(http.MethodPut, "/v1/interviewers/{id}/calendars", "put-calendar", "Connect a calendar, or give it a new secret",
		"A calendar is known by its kind, address and account. Its secret is sealed before it is stored, and shown to nobody."), s.putCalendar)
	huma.Register(s.huma, write(http.MethodPost, "/v1/interviewers/{id}/calendars/connect", "make-calendar-link", "Make a link to connect a calendar",
		"Send it to the interviewer: by it they allow Rapport to see and change their calendar at Google or Microsoft. It works once, for a week."), s.makeCalendarLink)
	huma.Register(s.huma, unaudited(operation(http.MethodPost, "/v1/interviewers/{id}/calendars/check", "check-calendars", interviewersTag, ScopeInterviewersRead,
		"Check an interviewer's calendars", "Asks each of them now for the busy times of the next two weeks, and tells how it answered."), "it changes nothing, and shows no candidates"), s.checkCalendars)
	huma.Register(s.huma, write(http.MethodDelete, "/v1/interviewers/{id}/calendars/{calendar}", "remove-calendar", "Forget a calendar", "With its secret."), s.removeCalendar)
}

func (s *server) createInterviewer(ctx context.Context, in *body[InterviewerInput]) (*body[WrittenInterviewer], error) {
	if problem := refuseInterviewer(&in.Body, true); problem != nil {
		return nil, problem
	}
	written, err := s.Store.CreateInterviewer(ctx, in.Body.write(), caller(ctx), s.Now())
	if err != nil {
		return nil, problemOf(err)
	}
	return writtenInterviewer(written), nil
}

func (s *server) upsertInterviewer(ctx context.Context, in *struct {
	InterviewerRef
	Body InterviewerInput
},
) (*body[WrittenInterviewer], error) {
	byEmail := strings.Contains(in.ID, "@")
	switch given := in.Body.Email; {
	case byEmail && given != "" && !strings.EqualFold(given, in.ID):
		return nil, invalid("The body names another email address than the address.", "To change it, name the interviewer by their id.",
			Located{Location: "body.email", Message: "it differs from the address"})
	case byEmail:
		in.Body.Email = in.ID
	}
	if problem := refuseInterviewer(&in.Body, byEmail || in.Body.present["email"]); problem != nil {
		return nil, problem
	}
	w := in.Body.write()
	if !byEmail {
		w.ID = in.ID
	}
	written, err := s.Store.UpsertInterviewers(ctx, []store.InterviewerWrite{w}, caller(ctx), s.Now(), false)
	if err == nil {
		err = written[0].Err
	}
	if err != nil {
		return nil, problemOf(err)
	}
	return writtenInterviewer(written[0]), nil
}

func writtenInterviewer(u store.Upserted) *body[WrittenInterviewer] {
	return &body[WrittenInterviewer]{Body: WrittenInterviewer{ID: u.ID, Created: u.Created, Changed: notNil(u.Changed)}}
}

func (s *server) upsertInterviewers(ctx context.Context, in *struct {
	DryRun  bool `query:"dry_run" doc:"Write nothing, and say what would become of each."`
	RawBody []byte
},
) (*body[InterviewerResults], error) {
	items, problem := batchItems(in.RawBody)
	if problem != nil {
		return nil, problem
	}
	results := InterviewerResults{Results: make([]InterviewerResult, len(items))}
	var writes []store.InterviewerWrite
	var places []int
	for i, item := range items {
		results.Results[i] = InterviewerResult{Index: i, Status: string(ItemRejected)}
		var input InterviewerInput
		if results.Results[i].Errors = readInterviewer(item, &input); len(results.Results[i].Errors) == 0 {
			writes, places = append(writes, input.write()), append(places, i)
		}
	}
	written, err := s.Store.UpsertInterviewers(ctx, writes, caller(ctx), s.Now(), in.DryRun)
	if err != nil {
		return nil, problemOf(err)
	}
	for i := range written {
		(*CandidateResult)(&results.Results[places[i]]).became(&written[i])
	}
	return &body[InterviewerResults]{Body: results}, nil
}

func (s *server) deleteInterviewer(ctx context.Context, in *InterviewerRef) (*struct{}, error) {
	if err := s.Store.DeleteInterviewer(ctx, in.ID, caller(ctx), s.Now()); err != nil {
		return nil, problemOf(err)
	}
	return nil, nil //nolint:nilnil // no content
}

func (s *server) listInterviewers(ctx context.Context, in *struct {
	Paging
	Query  string `query:"q" maxLength:"200" doc:"Part of a name or an email address."`
	Group  string `query:"group" maxLength:"200"`
	Active bool   `query:"active" doc:"Only those who get new interviews."`
},
) (*body[Page[Interviewer]], error) {
	found, next, err := s.Store.ListInterviewers(ctx, store.InterviewerFilter{Query: in.Query, Group: in.Group, Active: in.Active, Limit: in.Limit, After: in.After})
	if err != nil {
		return nil, problemOf(err)
	}
	items, err := s.withCalendars(ctx, found)
	return pageOf(items, next, err)
}

func (s *server) withCalendars(ctx context.Context, found []crm.Interviewer) ([]Interviewer, error) {
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	calendars, err := s.Store.Calendars(ctx, ids...)
	if err != nil {
		return nil, err
	}
	items := make([]Interviewer, len(found))
	for i := range found {
		items[i] = interviewerOf(&found[i], calendars)
	}
	return items, nil
}

func (s *server) getInterviewer(ctx context.Context, in *InterviewerRef) (*body[Interviewer], error) {
	found, err := s.Store.Interviewer(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	items, err := s.withCalendars(ctx, []crm.Interviewer{found})
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[Interviewer]{Body: items[0]}, nil
}

func (s *server) listInterviewerChanges(ctx context.Context, in *struct {
	Paging
	InterviewerRef
},
) (*body[Page[InterviewerChange]], error) {
	before, err := strconv.ParseInt("0"+in.After, 10, 64)
	if err != nil {
		return nil, invalid("The cursor is not one of this list.", "Leave it out to begin anew.", Located{Location: "query.after", Message: "it is not a cursor"})
	}
	id := in.ID
	if strings.Contains(id, "@") {
		found, err := s.Store.Interviewer(ctx, id)
		if err != nil {
			return nil, problemOf(err)
		}
		id = found.ID
	}
	changes, last, err := s.Store.InterviewerChanges(ctx, id, in.Limit, before)
	items := make([]InterviewerChange, len(changes))
	for i, c := range changes {
		items[i] = InterviewerChange{At: c.At, By: c.By, What: c.What, Fields: notNil(c.Fields)}
	}
	next := ""
	if last > 0 {
		next = strconv.FormatInt(last, 10)
	}
	return pageOf(items, next, err)
}

func (s *server) listInterviewerGroups(ctx context.Context, _ *struct{}) (*body[Page[InterviewerGroup]], error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	groups, err := s.Store.InterviewerGroups(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	named := groupsNamed(set)
	items := make([]InterviewerGroup, 0, len(groups))
	for _, g := range groups {
		items = append(items, InterviewerGroup{Name: g.Name, Active: g.Active, Trainees: g.Trainees, Inactive: g.Inactive, NamedBy: notNil(named[g.Name])})
		delete(named, g.Name)
	}
	for name, by := range named {
		items = append(items, InterviewerGroup{Name: name, NamedBy: by})
	}
	slices.SortFunc(items, func(a, b InterviewerGroup) int { return strings.Compare(a.Name, b.Name) })
	return pageOf(items, "", nil)
}

// groupsNamed are the groups that interviews in force ask for, each with the interviews.
func groupsNamed(set *dsl.Set) map[string][]string {
	named := map[string][]string{}
	for name, interview := range set.Interviews {
		for _, round := range interview.Rounds {
			for _, seat := range round.Interviewers {
				if seat.Group != "" && !slices.Contains(named[seat.Group], name) {
					named[seat.Group] = append(named[seat.Group], name)
				}
			}
		}
	}
	for _, by := range named {
		slices.Sort(by)
	}
	return named
}

// batchItems reads the items of a batch, each of which is judged alone.
func batchItems(text []byte) ([]json.RawMessage, *Problem) {
	var request struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(text, &request); err != nil || len(request.Items) == 0 {
		return nil, invalid("The body is not an object with a list of items.", "Send {\"items\": [...]}.")
	}
	if len(request.Items) > MaxEvents {
		return nil, &Problem{
			Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Detail: fmt.Sprintf("There are %d items; a request holds at most %d.", len(request.Items), MaxEvents),
			Next: "Send them in several requests.",
		}
	}
	return request.Items, nil
}
