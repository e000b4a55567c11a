package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

// totals are counts over all candidates: of a sequence, by what happened.
type totals struct {
	Sequence    string         `json:"sequence"`
	Enrolled    int            `json:"enrolled"`
	Candidates  int            `json:"candidates"`             // with at least one run
	NotEnrolled map[string]int `json:"not_enrolled,omitempty"` // by reason: how often a rule looked at an event and said no
	Sent        map[string]int `json:"sent,omitempty"`         // by message
	Skipped     map[string]int `json:"skipped,omitempty"`      // by message or step, and reason
	Effects     map[string]int `json:"effects,omitempty"`      // tasks, updates and the rest, by kind and name
	Ended       map[string]int `json:"ended,omitempty"`        // runs, by outcome
	Running     int            `json:"running"`
	Goals       int            `json:"goals,omitempty"`
	Problems    map[string]int `json:"problems,omitempty"` // conditions that could not be evaluated
}

// totals counts, in the order in which the sequences were named.
func (s *simulation) totals() []*totals {
	by := map[string]*totals{}
	all := make([]*totals, 0, len(s.names))
	for _, name := range s.names {
		if by[name] != nil {
			continue
		}
		t := &totals{
			Sequence: name, NotEnrolled: map[string]int{}, Sent: map[string]int{}, Skipped: map[string]int{}, Effects: map[string]int{},
			Ended: map[string]int{}, Problems: map[string]int{},
		}
		by[name] = t
		all = append(all, t)
	}
	for _, a := range s.cast {
		for i := range a.played.Lines {
			if t := by[a.played.Lines[i].Definition]; t != nil {
				t.count(&a.played.Lines[i])
			}
		}
		seen := map[string]bool{}
		for i := range a.played.Runs {
			r := &a.played.Runs[i]
			t := by[r.Definition]
			if r.Open() {
				t.Running++
			}
			if !seen[r.Definition] {
				seen[r.Definition] = true
				t.Candidates++
			}
		}
	}
	return all
}

func (t *totals) count(l *play.Line) {
	if l.Problem != "" {
		t.Problems[l.Problem]++
	}
	switch l.Kind {
	case play.LineEnrolled:
		t.Enrolled++
	case play.LineNotEnrolled:
		t.NotEnrolled[words(l.Reason)]++
	case play.LineGoal:
		t.Goals++
	case play.LineKind(dsl.ExpectEmail), play.LineKind(dsl.ExpectSMS), play.LineKind(dsl.ExpectSurvey),
		play.LineKind(dsl.ExpectInvitation), play.LineKind(dsl.ExpectCancellation), play.LineKind(dsl.ExpectScorecard):
		t.Sent[string(l.Kind)+" "+l.Name]++
	case play.LineKind(dsl.ExpectSkipped):
		t.Skipped[l.Name+" ("+words(l.Reason)+")"]++
	case play.LineKind(dsl.ExpectOutcome):
		t.Ended[l.Name]++
	case play.LineEvent, play.LineDeferred, play.LineWaiting, play.LineBranch, play.LineRound, play.LinePaused, play.LinePlanned, play.LineProblem,
		play.LineMeeting, play.LineKind(dsl.ExpectOffered), play.LineKind(dsl.ExpectBooked):
	default:
		t.Effects[string(l.Kind)+" "+l.Name]++
	}
}

// table writes what each candidate would get, and the totals.
func (s *simulation) table(out io.Writer) {
	style := styleOf(out)
	var b strings.Builder
	if !s.totalsOnly {
		s.offers(&b, style)
		s.details(&b, style)
	}
	differ, differing := 0, 0
	for _, a := range s.cast {
		if !s.against {
			break
		}
		differences := a.differences()
		if len(differences) > 0 {
			differing++
			fmt.Fprintf(&b, "%s\n", style.bold(a.name))
		}
		for _, d := range differences {
			differ++
			fmt.Fprintf(&b, "  %s %s\n", style.bad("≠"), d)
		}
	}
	for _, t := range s.totals() {
		t.write(&b, style)
	}
	fmt.Fprintf(&b, "%s\n", plural(len(s.cast), "candidate"))
	if s.against {
		fmt.Fprintf(&b, "%s from what was really sent, for %s\n", plural(differ, "difference"), plural(differing, "candidate"))
	}
	write(out, b.String())
}

func (s *simulation) details(b *strings.Builder, style style) {
	for _, a := range s.cast {
		lines := s.shown(a)
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(b, "%s %s\n", style.bold(a.name), style.dim("(times in "+a.played.Zone.String()+")"))
		for _, l := range lines {
			text := lineText(l)
			if len(s.names) > 1 && l.Definition != "" {
				text += "  " + style.dim("["+l.Definition+"]")
			}
			if !l.Listed {
				text = style.dim(text)
			}
			fmt.Fprintf(b, "  %s\n", text)
			if why := lineWhy(l); why != "" {
				fmt.Fprintf(b, "  %s%s\n", strings.Repeat(" ", len(clockWidth)+2), style.dim(why))
			}
		}
		b.WriteByte('\n')
	}
}

func (t *totals) write(b *strings.Builder, style style) {
	fmt.Fprintf(b, "%s\n", style.bold(t.Sequence))
	fmt.Fprintf(b, "  %6d  enrolled, of %s\n", t.Enrolled, plural(t.Candidates, "candidate"))
	for _, group := range []struct {
		word   string
		counts map[string]int
	}{
		{"not enrolled: ", t.NotEnrolled},
		{"", t.Sent},
		{"skipped ", t.Skipped},
		{"", t.Effects},
		{"ended as ", t.Ended},
		{"could not be evaluated: ", t.Problems},
	} {
		for _, name := range byCount(group.counts) {
			fmt.Fprintf(b, "  %6d  %s%s\n", group.counts[name], group.word, name)
		}
	}
	if t.Running > 0 {
		fmt.Fprintf(b, "  %6d  still running\n", t.Running)
	}
	if t.Goals > 0 {
		fmt.Fprintf(b, "  %6d  reached the goal\n", t.Goals)
	}
	b.WriteByte('\n')
}

// byCount lists names by their counts, the largest first.
func byCount(counts map[string]int) []string {
	names := slices.Collect(maps.Keys(counts))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b)) })
	return names
}

// actorJSON is a candidate of a simulation as JSON has it.
type actorJSON struct {
	Candidate   string    `json:"candidate"`
	TimeZone    string    `json:"time_zone"`
	Runs        []runJSON `json:"runs"`
	Timeline    []gotJSON `json:"timeline"`
	Differences []string  `json:"differences,omitempty"`
}

type runJSON struct {
	Sequence  string    `json:"sequence"`
	StartedAt time.Time `json:"started_at"`
	ClosedAt  time.Time `json:"closed_at,omitzero"`
	Outcome   string    `json:"outcome,omitempty"`
	At        string    `json:"at,omitempty"` // the step an open run stands at
}

// json writes one object: the candidates of whom there is something to tell, and the totals.
func (s *simulation) json(out io.Writer) error {
	result := struct {
		Candidates []actorJSON `json:"candidates"`
		Totals     []*totals   `json:"totals"`
		Played     int         `json:"played"`
	}{Candidates: []actorJSON{}, Totals: s.totals(), Played: len(s.cast)}
	for _, a := range s.cast {
		lines := s.shown(a)
		if s.totalsOnly || len(lines) == 0 && len(a.actual) == 0 {
			continue
		}
		shown := actorJSON{Candidate: a.name, TimeZone: a.played.Zone.String(), Runs: []runJSON{}, Timeline: make([]gotJSON, 0, len(lines))}
		for i := range a.played.Runs {
			shown.Runs = append(shown.Runs, runOf(&a.played.Runs[i]))
		}
		for _, l := range lines {
			shown.Timeline = append(shown.Timeline, *gotOf(l))
		}
		if s.against {
			shown.Differences = a.differences()
		}
		result.Candidates = append(result.Candidates, shown)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}

func runOf(r *crm.Enrollment) runJSON {
	out := runJSON{Sequence: r.Definition, StartedAt: r.StartedAt, ClosedAt: r.ClosedAt, Outcome: r.Outcome}
	if r.Open() {
		out.At = r.Progress.At
	}
	return out
}
