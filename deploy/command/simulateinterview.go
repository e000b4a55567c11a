package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// loops tells whether one of some definitions is an interview.
func loops(set *dsl.Set, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return set.Programs[name].Loop != nil })
}

// simulatedApplication is what the application is called that an interview is simulated for.
const simulatedApplication = "simulated"

// forInterview makes one candidate with an application, and gathers who could hold their interviews.
func (f *simulateFlags) forInterview(cmd *cobra.Command, files []dsl.File, names []string) ([]*actor, error) {
	text, err := f.asTest(names[0])
	if err != nil {
		return nil, err
	}
	inYAML := strings.HasSuffix(f.interviewers, ".yaml") || strings.HasSuffix(f.interviewers, ".yml")
	application := "{id: " + simulatedApplication + "}"
	if inYAML {
		people, err := os.ReadFile(f.interviewers)
		if err != nil {
			return nil, fmt.Errorf("read interviewers: %w", err)
		}
		text += "interviewers:\n" + indented(string(people))
		if f.manager != "" {
			application = "{id: " + simulatedApplication + ", hiring_manager: " + f.manager + "}"
		}
	}
	cast, err := f.checkedPart(cmd, files, text+"applications: ["+application+"]\n")
	if err != nil || inYAML {
		return f.obliging(cast), err
	}
	people, err := f.knownInterviewers(cmd)
	if err != nil {
		return nil, err
	}
	part := cast[0].part
	part.Applications[0].Manager = crm.NormalAddress(crm.Email, f.manager)
	for i := range people {
		a := attendantOf(&people[i])
		if slices.ContainsFunc(part.Interviewers, func(other dsl.Attendant) bool { return other.ID == a.ID }) {
			a.ID = a.Email // another one of that name
		}
		part.Interviewers = append(part.Interviewers, a)
	}
	return f.obliging(cast), nil
}

// obliging lets everybody play along, as long as nothing says what happens.
func (f *simulateFlags) obliging(cast []*actor) []*actor {
	if len(cast) > 0 {
		cast[0].part.Obliging = f.script == "" && !slices.ContainsFunc(f.events, func(e string) bool { return strings.HasPrefix(e, "{") })
	}
	return cast
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + strings.TrimRight(line, "\r\n") + "\n")
	}
	return b.String()
}

// knownInterviewers reads who there is, from a table or from the server.
func (f *simulateFlags) knownInterviewers(cmd *cobra.Command) ([]api.Interviewer, error) {
	if f.interviewers != "" {
		file, err := os.Open(f.interviewers)
		if err != nil {
			return nil, fmt.Errorf("read interviewers: %w", err)
		}
		defer file.Close()
		people, problems, err := client.ReadInterviewers(file)
		for _, p := range problems {
			cmd.PrintErrln(f.interviewers + ": " + p.Error())
		}
		if err == nil && len(problems) > 0 {
			err = errNo
		}
		return people, err
	}
	c, err := f.open()
	if err != nil {
		return nil, errors.Join(errors.New("an interview needs people: name a file with --interviewers, or a server"), err)
	}
	people, err := collect(func(after string) (api.Page[api.Interviewer], error) {
		return c.Interviewers(cmd.Context(), client.InterviewerQuery{Active: true}, historyPage, after)
	})
	if err != nil {
		return nil, err
	}
	busy := 0
	for i := range people {
		if len(people[i].Calendars) > 0 {
			busy++
		}
	}
	if busy > 0 {
		cmd.PrintErrf("The calendars of %s are not known here, only their hours and time off: some of these times will be taken.\n", plural(busy, "interviewer"))
	}
	return people, nil
}

// attendantOf is an interviewer for whom nothing is booked yet. They are called by the first part of their address.
func attendantOf(p *api.Interviewer) dsl.Attendant {
	hours, _ := crm.ParseHours(p.Hours)   // was checked
	gap, _ := dsl.ParseDuration(p.MinGap) // was checked; none is no time
	name, _, _ := strings.Cut(p.Email, "@")
	a := dsl.Attendant{Interviewer: crm.Interviewer{
		ID: name, Email: crm.NormalAddress(crm.Email, p.Email), Name: cmp.Or(p.Name, name), Zone: p.Zone, Hours: hours,
		Groups: p.Groups, DailyLimit: p.DailyLimit, WeeklyLimit: p.WeeklyLimit, MinGap: gap.Exact, Weight: p.Weight, Trainee: p.Trainee,
		Active: p.Active,
	}}
	for _, away := range p.TimeOff {
		a.TimeOff = append(a.TimeOff, crm.Span(away))
	}
	return a
}

// offers writes which times a candidate would be offered, by day, and with whom.
func (s *simulation) offers(b *strings.Builder, style style) {
	for _, a := range s.cast {
		for i := range a.played.Lines {
			l := &a.played.Lines[i]
			if l.Kind != "offered" {
				continue
			}
			fmt.Fprintf(b, "%s %s\n", style.bold("Times for "+l.Step+", looked for on "+l.At.In(l.Zone).Format(clock)), style.dim("("+l.Zone.String()+")"))
			if len(l.Offered) == 0 {
				b.WriteString("  " + strings.ReplaceAll(l.Text, "\n", "\n  ") + "\n")
			}
			day := ""
			for _, slot := range l.Offered {
				shown := slot.StartsAt.In(l.Zone).Format("Mon 2 Jan")
				if shown == day {
					shown = ""
				}
				day = cmp.Or(shown, day)
				fmt.Fprintf(b, "  %-10s  %s  %s\n", shown, hour(slot.StartsAt, l.Zone), a.called(slot.Seats))
			}
			b.WriteByte('\n')
		}
	}
}

func hour(t time.Time, zone *time.Location) string { return t.In(zone).Format("15:04") }

// called are the names of interviewers.
func (a *actor) called(ids []string) string {
	names := slices.Clone(ids)
	for i, id := range ids {
		for k := range a.part.Interviewers {
			if p := &a.part.Interviewers[k]; p.ID == id {
				names[i] = p.Name
			}
		}
	}
	return strings.Join(names, ", ")
}
