package api_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// mailed is an answer to an invitation as a mail program sends it. What is empty is usual.
type mailed struct {
	program                        string // google, outlook or apple
	from, attendee, to, thread     string
	partstat, method, comment, uid string
	start, end                     string // that is proposed
	sequence                       int    // 0: the meeting's
	stamp                          time.Time
}

// answers sends the mail, whole, and tells how many were taken for what.
func (l *loop) answers(a mailed) {
	l.t.Helper()
	or := func(text *string, usual string) {
		if *text == "" {
			*text = usual
		}
	}
	or(&a.program, "google")
	or(&a.attendee, a.from)
	or(&a.to, "careers@in.example")
	or(&a.partstat, "ACCEPTED")
	or(&a.method, "REPLY")
	or(&a.uid, l.meeting+"@rapport.example")
	or(&a.start, "20261109T090000")
	or(&a.end, "20261109T093000")
	if a.sequence == 0 {
		a.sequence = l.state().Sequence
	}
	if a.stamp.IsZero() {
		a.stamp = l.clock()
	}
	name, _, _ := strings.Cut(a.from, "@")
	fill := strings.NewReplacer("{from}", a.from, "{attendee}", a.attendee, "{to}", a.to, "{thread}", a.thread, "{partstat}", a.partstat, "{method}", a.method,
		"{comment}", a.comment, "{uid}", a.uid, "{start}", a.start, "{end}", a.end, "{sequence}", strconv.Itoa(a.sequence),
		"{stamp}", a.stamp.UTC().Format("20060102T150405Z"), "{name}", name, "{verb}", strings.ToLower(a.partstat), "{id}", crm.NewID("x", l.clock()))
	calendar := strings.ReplaceAll(fill.Replace(l.sample(a.program+".ics")), "\n", "\r\n")
	var quoted bytes.Buffer
	w := quotedprintable.NewWriter(&quoted)
	if _, err := w.Write([]byte(calendar)); err != nil {
		l.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	lines := slices.Collect(slices.Chunk([]byte(base64.StdEncoding.EncodeToString([]byte(calendar))), 76))
	raw := fill.Replace(l.sample(a.program + ".eml"))
	raw = strings.NewReplacer("{calendar}", calendar, "{calendar quoted}", quoted.String(), "{calendar base64}", string(bytes.Join(lines, []byte("\n")))).Replace(raw)
	raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\n", "\r\n")
	l.mail(map[string]string{"email": raw, "from": a.from, "envelope": fmt.Sprintf(`{"from":%q,"to":[%q]}`, a.from, a.to)}).want(204, nil)
}

func (l *loop) sample(name string) string {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "answers", name))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

// booked is a loop whose time is booked with Ada, at nine.
func booked(t *testing.T) *loop {
	t.Helper()
	l := newLoop(t, nil)
	l.pick(l.slot(3, 9)).want(303, nil)
	l.book()
	return l
}

// seat is Ada's.
func (l *loop) seat() crm.Panelist {
	l.t.Helper()
	m := l.state()
	if p := m.Seat(l.ada); p != nil {
		return *p
	}
	l.t.Fatal("Ada does not hold the meeting")
	return crm.Panelist{}
}

// invitation plans a mail of the meeting to an interviewer, or to the candidate, and returns its id.
func (l *loop) invitation(recipient string) string {
	l.t.Helper()
	now := l.clock()
	turn, err := l.store.Begin(l.t.Context(), l.run, 1)
	if err != nil {
		l.t.Fatal(err)
	}
	m := crm.Message{
		ID: crm.NewID(crm.PrefixMessage, now), CandidateID: l.candidate, EnrollmentID: l.run, Definition: "onsite", Hash: "onsite-1", Step: "invite", Occurrence: 1,
		Channel: crm.Email, Purpose: crm.PurposeTransactional, Recipient: recipient, MeetingID: l.meeting, Calendar: crm.CalendarRequest,
		State: crm.MessagePlanned, PlannedAt: now, NotBefore: now, NotAfter: now.Add(time.Hour),
	}
	if err := turn.Commit(l.t.Context(), &crm.Decision{EnrollmentID: l.run, Seq: 2, At: now, Command: crm.CommandWait, Messages: []crm.Message{m}}); err != nil {
		l.t.Fatal(err)
	}
	return m.ID
}

const (
	ada   = "ada@north.example"
	ben   = "ben@north.example"
	sarah = "sarah@example.org"
)

func TestInterviewersAnswerByMail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mail   mailed
		answer crm.Answered
		told   string
	}{
		"google, yes":            {mailed{program: "google", from: ada}, crm.AnswerAccepted, ""},
		"google, no":             {mailed{program: "google", from: ada, partstat: "DECLINED", comment: "On a train; sorry"}, crm.AnswerDeclined, "On a train; sorry"},
		"google, perhaps":        {mailed{program: "google", from: ada, partstat: "TENTATIVE"}, crm.AnswerTentative, ""},
		"outlook, yes":           {mailed{program: "outlook", from: ada}, crm.AnswerAccepted, ""},
		"outlook, no":            {mailed{program: "outlook", from: ada, partstat: "DECLINED", comment: "Away that day"}, crm.AnswerDeclined, "Away that day"},
		"outlook, no, no reason": {mailed{program: "outlook", from: ada, partstat: "DECLINED"}, crm.AnswerDeclined, "-"},
		"outlook, another time": {
			mailed{program: "outlook", from: ada, partstat: "TENTATIVE", method: "COUNTER", start: "20261110T140000", end: "20261110T143000", comment: "Or later?"},
			crm.AnswerDeclined, "Proposes Tue 10 Nov 2026 14:00–14:30 GMT. Or later?",
		},
		"apple, yes":                  {mailed{program: "apple", from: ada}, crm.AnswerAccepted, ""},
		"apple, no":                   {mailed{program: "apple", from: ada, partstat: "DECLINED", comment: "Ill"}, crm.AnswerDeclined, "Ill"},
		"in other letters":            {mailed{from: "Ada@North.Example"}, crm.AnswerAccepted, ""},
		"handed on":                   {mailed{from: ada, partstat: "DELEGATED"}, "", ""},
		"of another installation":     {mailed{from: ada, uid: "mtg_00000000000000000000000000@elsewhere.example"}, "", ""},
		"in another's name":           {mailed{from: ben, attendee: ada, partstat: "DECLINED"}, "", ""},
		"by a stranger":               {mailed{from: "eve@evil.example", attendee: ada, partstat: "DECLINED"}, "", ""},
		"by a stranger as themselves": {mailed{from: "eve@evil.example", partstat: "DECLINED"}, "", ""},
		"not of the panel":            {mailed{from: ben, partstat: "DECLINED"}, "", ""},
		"from their other address":    {mailed{from: ada, attendee: "al@home.example"}, crm.AnswerAccepted, ""},
		"to an earlier invitation":    {mailed{from: ada, partstat: "DECLINED", sequence: -1}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := booked(t)
			for range 2 { // Inbound Parse may post it twice
				l.answers(tc.mail)
			}
			seat := l.seat()
			if seat.Answer != tc.answer {
				t.Errorf("the seat is %+v, want %q", seat, tc.answer)
			}
			want := []string{"interview.picked"}
			if tc.told != "" {
				line := "interview.declined by=ada@north.example reason=declined text=" + tc.told
				want = append(want, strings.TrimSuffix(line, " text=-"))
			}
			l.wantTold(want...)
		})
	}
}

// What came by the mail that we sent to somebody is from them, whatever it says; what came by that to somebody else is not.
func TestAnswersByTheThread(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mail func(mine, candidates string) mailed
		want crm.Answered
	}{
		"the token of an address": {func(mine, _ string) mailed {
			return mailed{from: "al@home.example", to: "reply+" + mine + "@in.example"}
		}, crm.AnswerAccepted},
		"the thread": {func(mine, _ string) mailed { return mailed{program: "outlook", from: "al@home.example", thread: mine} }, crm.AnswerAccepted},
		"through an assistant": {func(mine, _ string) mailed {
			return mailed{program: "outlook", from: "pa@north.example", attendee: ada, thread: mine}
		}, crm.AnswerAccepted},
		"the candidate's token": {func(_, candidates string) mailed {
			return mailed{from: "al@home.example", attendee: ada, partstat: "DECLINED", to: "reply+" + candidates + "@in.example"}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := booked(t)
			var mine, candidates string
			if name == "the candidate's token" {
				candidates = l.invitation("")
			} else {
				mine = l.invitation(l.ada)
			}
			l.answers(tc.mail(mine, candidates))
			if seat := l.seat(); seat.Answer != tc.want {
				t.Errorf("the answer is %q, want %q", seat.Answer, tc.want)
			}
			l.wantTold("interview.picked")
		})
	}
}

// Mails overtake each other: what was said last counts.
func TestTheLastAnswerCounts(t *testing.T) {
	t.Parallel()
	l := booked(t)
	first := l.clock()
	l.pass(10 * time.Minute)
	say := func(partstat string, at time.Time, want crm.Answered) {
		t.Helper()
		l.answers(mailed{from: ada, partstat: partstat, stamp: at})
		if got := l.seat().Answer; got != want {
			t.Errorf("after %s the answer is %q, want %q", partstat, got, want)
		}
	}
	say("TENTATIVE", first.Add(time.Minute), crm.AnswerTentative)
	say("ACCEPTED", first.Add(3*time.Minute), crm.AnswerAccepted)
	say("ACCEPTED", first.Add(6*time.Minute), crm.AnswerAccepted)
	say("DECLINED", first.Add(5*time.Minute), crm.AnswerAccepted) // late
	say("DECLINED", first.Add(time.Hour), crm.AnswerDeclined)     // their clock is ahead
	l.pass(time.Minute)
	l.fill(l.panel(l.ada), map[string][]string{"do": {"accept"}}).want(303, nil)
	say("DECLINED", first.Add(7*time.Minute), crm.AnswerAccepted)
	l.wantTold("interview.picked", "interview.declined by=ada@north.example reason=declined")

	l.pick(l.slot(3, 11)).want(303, nil) // Ada again: the answer to the old time says nothing of the new one
	l.book()
	l.answers(mailed{from: ada, partstat: "DECLINED", sequence: l.state().Sequence - 1})
	if got := l.seat().Answer; got != "" {
		t.Errorf("for the new time the answer is %q", got)
	}
	l.pass(4 * 24 * time.Hour)
	say("DECLINED", l.clock(), "") // it is over
}

func TestCandidateAnswersByMail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mail  mailed
		state crm.MeetingState
		told  string
	}{
		"yes":     {mailed{program: "apple", from: sarah}, crm.MeetingBooked, "interview.answered by=candidate answer=accepted"},
		"perhaps": {mailed{from: sarah, partstat: "TENTATIVE", comment: "If the train is on time"}, crm.MeetingBooked, "interview.answered by=candidate answer=tentative text=If the train is on time"},
		"another time": {
			mailed{program: "outlook", from: sarah, partstat: "TENTATIVE", method: "COUNTER", start: "20261110T140000", end: "20261110T143000"},
			crm.MeetingBooked, "interview.answered by=candidate answer=proposed text=Proposes Tue 10 Nov 2026 14:00–14:30 GMT.",
		},
		"no":          {mailed{program: "outlook", from: sarah, partstat: "DECLINED", comment: "Another job"}, crm.MeetingCancelled, "interview.cancelled by=candidate reason=candidate text=Another job"},
		"no, forged":  {mailed{from: "eve@evil.example", attendee: sarah, partstat: "DECLINED"}, crm.MeetingBooked, ""},
		"no, too old": {mailed{from: sarah, partstat: "DECLINED", sequence: -1}, crm.MeetingBooked, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := booked(t)
			for range 2 {
				l.answers(tc.mail)
			}
			if m := l.state(); m.State != tc.state {
				t.Errorf("the meeting is %s, want %s", m.State, tc.state)
			}
			want := []string{"interview.picked"}
			if tc.told != "" {
				want = append(want, tc.told)
			}
			l.wantTold(want...)
			for _, e := range l.heard(l.candidate) {
				t.Errorf("it counts as %s of the candidate", e.Type)
			}
			if metrics := string(l.send("GET", "/metrics", nil, nil).body); !strings.Contains(metrics, `rapport_inbound_total{channel="email",result="invitation"} 2`) {
				t.Error("it is not counted as the answer to an invitation")
			}
		})
	}
}

// An answer to somebody else's invitation is a mail like any other.
func TestForeignInvitationsAreMails(t *testing.T) {
	t.Parallel()
	l := booked(t)
	l.answers(mailed{program: "apple", from: sarah, uid: "0C6B@north.example"})
	if got := l.heard(l.candidate); len(got) != 1 || got[0].Type != "message.replied" {
		t.Errorf("events are %v", got)
	}
}
