package command

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

// report tells how tests went.
type report struct {
	cmd     *cobra.Command
	out     io.Writer
	format  string
	verbose bool
	style   style
}

func newReport(cmd *cobra.Command, format string, verbose bool) *report {
	return &report{cmd: cmd, out: cmd.OutOrStdout(), format: format, verbose: verbose, style: styleOf(cmd.OutOrStdout())}
}

// progress draws a bar on a terminal, and returns what moves it by one.
func (r *report) progress(n int) func() {
	b := newCounter(r.cmd, "testing", n)
	return b.one
}

// write writes the results. The error is errNo when a test failed.
func (r *report) write(trials []*play.Trial, took time.Duration) error {
	var err error
	switch r.format {
	case formatJSON:
		err = r.json(trials)
	case formatJUnit:
		err = r.junit(trials, took)
	default:
		r.text(trials, took)
	}
	if err != nil {
		return err
	}
	for _, t := range trials {
		if !t.Passed {
			return errNo
		}
	}
	return nil
}

func (r *report) text(trials []*play.Trial, took time.Duration) {
	var b strings.Builder
	passed := 0
	for _, t := range trials {
		if t.Passed {
			passed++
			if r.verbose {
				fmt.Fprintf(&b, "%s %s: %s %s\n", r.style.good("✓"), t.Test.Of, t.Test.Name, r.style.dim(brief(t.Took)))
			}
			continue
		}
		r.failure(&b, t)
	}
	fmt.Fprintf(&b, "%s: %d passed", plural(len(trials), "test"), passed)
	if failed := len(trials) - passed; failed > 0 {
		fmt.Fprintf(&b, ", %s", r.style.bad(fmt.Sprintf("%d failed", failed)))
	}
	fmt.Fprintf(&b, ", in %s\n", brief(took))
	write(r.out, b.String())
}

func brief(d time.Duration) string {
	if d < time.Second {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// failure shows both timelines side by side, and what else is wrong.
func (r *report) failure(b *strings.Builder, t *play.Trial) {
	fmt.Fprintf(b, "%s %s: %s  %s\n", r.style.bad("✗"), t.Test.Of, r.style.bold(t.Test.Name), r.style.dim(fmt.Sprintf("%s:%d", t.Test.File, t.Test.Line)))
	if t.Err != nil {
		fmt.Fprintf(b, "    %s\n\n", t.Err)
		return
	}
	rows := r.rows(t)
	width := 0
	for _, row := range rows {
		width = max(width, len([]rune(row.want)))
	}
	heads := "expected" + strings.Repeat(" ", max(width-len("expected"), 0)) + "  got"
	fmt.Fprintf(b, "      %s %s\n", r.style.bold(heads), r.style.dim("(times in "+t.Zone.String()+")"))
	for _, row := range rows {
		mark, want, got := " ", pad(row.want, width), row.got
		switch {
		case row.bad:
			mark = r.style.bad("✗")
		case row.aside:
			got = r.style.dim(got)
		}
		fmt.Fprintf(b, "    %s %s  %s\n", mark, want, got)
		if row.why != "" {
			fmt.Fprintf(b, "      %s  %s\n", pad("", width+len(clockWidth)+2), r.style.dim(row.why))
		}
	}
	for _, problem := range t.Problems {
		fmt.Fprintf(b, "    %s %s\n", r.style.bad("✗"), problem)
	}
	b.WriteByte('\n')
}

// shown is a row as it is printed.
type shown struct {
	want, got, why string
	bad            bool
	aside          bool // it explains, and is not part of what is compared
}

// rows are the rows of a comparison, without what only explains how a run waits unless everything is asked for.
func (r *report) rows(t *play.Trial) []shown {
	zone := time.UTC
	var rows []shown
	for i := range t.Rows {
		row := &t.Rows[i]
		if row.Got != nil {
			zone = row.Got.Zone
		}
		if row.Want == nil && !row.Got.Listed && !r.verbose && quietKind(row.Got.Kind) {
			continue
		}
		s := shown{bad: !row.OK, aside: row.Want == nil && row.OK}
		if row.Want != nil {
			s.want = expectation(row.Want, zone)
		}
		if s.got = "nothing"; row.Got != nil {
			s.got, s.why = lineText(row.Got), lineWhy(row.Got)
		}
		if row.Want != nil && row.Got != nil && !row.OK {
			s.why = strings.TrimPrefix(s.why+"; "+difference(row.Want, row.Got), "; ")
		}
		rows = append(rows, s)
	}
	return rows
}

// quietKind tells whether a line is only of interest to who looks closely.
func quietKind(kind play.LineKind) bool {
	switch kind {
	case play.LineWaiting, play.LineBranch, play.LineRound, play.LineGoal, play.LineMeeting:
		return true
	case play.LineEvent, play.LineEnrolled, play.LineNotEnrolled, play.LineDeferred, play.LinePaused, play.LinePlanned, play.LineProblem:
	}
	return false
}

// clock is how times are shown: in the candidate's zone.
const (
	clock      = "Mon 2 Jan 2006 15:04"
	clockWidth = "Mon 22 Jan 2006 15:04" // the widest
)

func showTime(t time.Time, zone *time.Location) string {
	return pad(t.In(zone).Format(clock), len(clockWidth))
}

func expectation(x *dsl.Expected, zone *time.Location) string {
	at := pad("at any time", len(clockWidth))
	if !x.At.IsZero() {
		at = showTime(x.At.In(zone), zone)
	}
	text := at + "  " + string(x.Kind) + " " + x.Name
	if x.Of != "" {
		text += " of " + x.Of
	}
	text += toWhom(x.To) + with(x.Starts.In(zone), x.With)
	if x.Reason != "" {
		text += " (" + words(x.Reason) + ")"
	}
	if !x.Until.IsZero() {
		text += " until " + x.Until.In(zone).Format(clock)
	}
	if !x.Within.IsZero() {
		text += " within " + x.Within.String()
	}
	return text
}

// lineText is a line of a timeline in words.
func lineText(l *play.Line) string {
	text := showTime(l.At, l.Zone) + "  "
	switch l.Kind {
	case play.LineEvent:
		text += "· " + after(l.Name, " of ", l.Step)
		return text
	case play.LineEnrolled, play.LineNotEnrolled:
		text += "· " + words(string(l.Kind))
	case play.LineDeferred, play.LineWaiting, play.LineBranch, play.LineRound, play.LinePaused, play.LineGoal, play.LinePlanned, play.LineProblem, play.LineMeeting:
		text += "· " + words(string(l.Kind)) + " " + l.Name
	default:
		text += string(l.Kind) + " " + l.Name
	}
	text += toWhom(l.To) + with(l.Starts.In(l.Zone), l.With)
	if l.Reason != "" {
		text += " (" + words(l.Reason) + ")"
	}
	if l.Kind == play.LineDeferred || l.Kind == play.LineWaiting && !l.Until.IsZero() {
		text += " until " + l.Until.In(l.Zone).Format(clock)
	}
	return text
}

// toWhom says which interviewer a message is for.
func toWhom(interviewer string) string {
	if interviewer == "" {
		return ""
	}
	return " to " + interviewer
}

// with says when a booked interview begins, and who holds it.
func with(starts time.Time, who []string) (text string) {
	if !starts.IsZero() {
		text = " for " + starts.Format(clock)
	}
	if len(who) > 0 {
		text += " with " + strings.Join(who, ", ")
	}
	return text
}

// lineWhy explains a line, where it has an expression or a cause.
func lineWhy(l *play.Line) string {
	switch l.Kind {
	case play.LineNotEnrolled, play.LineProblem, play.LineKind(dsl.ExpectSkipped), play.LineKind(dsl.ExpectOutcome),
		play.LineKind(dsl.ExpectOffered), play.LineBranch:
		if l.Text != "" {
			return l.Text
		}
	case play.LineEvent, play.LineEnrolled, play.LineDeferred, play.LineWaiting, play.LineRound, play.LinePaused, play.LineGoal, play.LinePlanned,
		play.LineMeeting:
	}
	return ""
}

// difference says how what came differs from what was expected.
func difference(x *dsl.Expected, l *play.Line) string {
	if at := x.At.In(l.Zone); !x.At.IsZero() {
		switch {
		case l.At.Before(at):
			return fmt.Sprintf("it came %s early", span(at.Sub(l.At)))
		case l.At.After(at.Add(time.Minute)) && x.Within.IsZero():
			return fmt.Sprintf("it came %s late", span(l.At.Sub(at)))
		case l.At.After(at.Add(time.Minute)):
			return fmt.Sprintf("it came %s late, and may be %s late", span(l.At.Sub(at)), x.Within)
		}
	}
	if !x.Until.IsZero() && !l.Until.IsZero() {
		return "they are kept until " + l.Until.In(l.Zone).Format(clock)
	}
	if text := with(l.Starts.In(l.Zone), l.With); x.Kind == dsl.ExpectBooked && text != with(x.Starts.In(l.Zone), x.With) {
		return "it is" + text
	}
	if x.Reason != "" && x.Reason != l.Reason {
		return "the reason is " + l.Reason
	}
	return ""
}

// span is a stretch of time in words: 9m2s, 1d, 16d4h.
func span(d time.Duration) string {
	text := ""
	const day = 24 * time.Hour
	if d >= day {
		text = fmt.Sprintf("%dd", d/day)
		d %= day
	}
	rest := d.Truncate(time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if short, ok := strings.CutSuffix(rest, zero); ok {
			rest = short + zero[:1]
		}
	}
	if rest == "0s" && text != "" {
		return text
	}
	return text + rest
}

func pad(text string, width int) string {
	if n := width - len([]rune(text)); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}
