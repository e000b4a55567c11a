package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func timelineCommand() *cobra.Command {
	var r remote
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "timeline CANDIDATE",
		Short: "What happened to a candidate, what did not, and why; by id or external id",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.open()
			if err != nil {
				return err
			}
			for after := ""; ; {
				page, err := c.Timeline(cmd.Context(), args[0], 200, after)
				if err != nil {
					return err
				}
				for i := range page.Items {
					if err := printEntry(cmd, &page.Items[i], asJSON); err != nil {
						return err
					}
				}
				if after = page.Next; after == "" {
					return nil
				}
			}
		},
	}
	r.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func printEntry(cmd *cobra.Command, e *api.TimelineEntry, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(e)
	}
	cmd.Printf("%s  %s\n", e.At.UTC().Format("2006-01-02 15:04:05"), sentence(e))
	return nil
}

// sentence tells an entry in words: what, where in which sequence, and why.
func sentence(e *api.TimelineEntry) string {
	var b strings.Builder
	if where := strings.Trim(e.Definition+" › "+e.Step, " ›"); where != "" {
		b.WriteString("[" + where + "] ")
	}
	b.WriteString(what(e))
	if e.Reason != "" {
		b.WriteString(" (" + words(e.Reason) + ")")
	}
	if !e.Until.IsZero() {
		b.WriteString(until(e) + e.Until.UTC().Format("2006-01-02 15:04:05"))
	}
	if e.Expression != "" {
		fmt.Fprintf(&b, "\n%21s%s is %s", "", strings.Join(strings.Fields(e.Expression), " "), e.Result)
	}
	if e.Said != nil {
		b.WriteString(said(e.Said))
	}
	return b.String()
}

// said writes what somebody said below the entry.
func said(s *store.Said) string {
	var lines []string
	if s.Subject != "" {
		lines = append(lines, "“"+s.Subject+"”")
	}
	lines = append(lines, s.Text)
	for _, f := range s.Files {
		lines = append(lines, "["+cmp.Or(f.Name, f.Type)+after("", ", ", size(f.Size))+", not kept]")
	}
	if s.OtherAddress {
		lines = append(lines, "(from another address)")
	}
	if s.Damaged {
		lines = append(lines, "(not all of it could be read)")
	}
	return strings.TrimRight("\n"+indent(strings.Join(lines, "\n")), "\n")
}

// size says how large a file is, "" when that is not known.
func size(bytes int) string {
	if bytes == 0 {
		return ""
	}
	return plural(bytes, "byte")
}

// what says what an entry is about.
func what(e *api.TimelineEntry) string {
	switch kind := crm.NoteKind(e.Kind); kind {
	case crm.NoteEnrolled, crm.NoteNotEnrolled:
		return after(words(string(kind)), " by ", e.EventType)
	case crm.NotePlanned:
		return planned(e)
	case crm.NoteWaiting:
		return after("waiting", " for ", e.Text)
	case crm.NoteBranch:
		return cmp.Or(e.Text, after("goes on with "+e.Outcome, ", after ", e.EventType))
	case crm.NoteTask:
		return after("task", ": ", e.Text)
	case crm.NoteExit:
		return after("ends as "+e.Outcome, ", after ", e.EventType)
	case crm.NoteArm:
		return after("gets the arm "+e.Outcome, ": ", e.Text)
	case crm.NoteRound:
		return "begins round " + e.Outcome
	case crm.NoteEmitted:
		return after("tells", " of ", e.EventType)
	case crm.NoteAsked:
		return e.Outcome + " asked of " + e.Text
	case crm.NoteSettled:
		return words(e.Outcome) + ", says " + e.Text
	case crm.NoteMeeting:
		return cmp.Or(e.Text, "meeting "+words(e.Outcome))
	case crm.NoteCall:
		return "call " + e.Outcome
	case crm.NoteATS:
		return "ats " + e.Outcome
	case crm.NoteSkipped, crm.NoteDeferred, crm.NoteUpdated, crm.NotePaused, crm.NoteGoal, crm.NoteMigrated, crm.NoteProblem, crm.NoteResent:
		return after(words(string(kind)), ": ", e.Text)
	}
	return fact(e)
}

// planned says which message was handed to the sender. Those that go to the calendars of an interview have no name of their own.
func planned(e *api.TimelineEntry) string {
	to := after("", " to ", e.Outcome)
	switch crm.CalendarMethod(strings.TrimPrefix(e.Text, "calendar ")) {
	case crm.CalendarRequest:
		return "invitation planned" + cmp.Or(to, " to the candidate")
	case crm.CalendarCancel:
		return "cancellation planned" + cmp.Or(to, " to the candidate")
	}
	return after("message planned", ": ", e.Text) + to
}

// fact says what an entry is about that is no decision.
func fact(e *api.TimelineEntry) string {
	switch e.Kind {
	case store.EntryEvent:
		return cmp.Or(e.Text, after(e.EventType, ", says ", e.Source))
	case store.EntryConsent:
		if e.Outcome == "lapsed" || e.Source == "" || e.Source == crm.SourcePreferencePage {
			return e.Text
		}
		return e.Text + " (" + e.Source + ")"
	case store.EntryMessage:
		return "message " + e.Outcome
	case store.EntryNote:
		return after(e.Outcome, ", noted by ", e.Source)
	case store.EntryTask:
		return after("task "+e.Outcome, ": ", e.Text)
	}
	return words(string(e.Kind))
}

// until is the word before an entry's time: tasks are due, the rest lasts.
func until(e *api.TimelineEntry) string {
	if crm.NoteKind(e.Kind) == crm.NoteTask || e.Kind == store.EntryTask || e.EventType == crm.EventErasureRequested {
		return ", due "
	}
	return " until "
}

func words(code string) string { return strings.ReplaceAll(code, "_", " ") }

// after joins two parts, if there is a second.
func after(first, joint, second string) string {
	if second == "" {
		return first
	}
	return first + joint + second
}
