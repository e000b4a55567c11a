package play_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

// came makes a timeline of lines such as "10:00 email hello", "10:00 skipped nudge condition" (which need not be listed).
func came(t *testing.T, lines ...string) *play.Timeline {
	t.Helper()
	tl := &play.Timeline{Zone: time.UTC}
	for _, text := range lines {
		words := append(strings.Fields(text), "")
		at, err := time.Parse("2006-01-02 15:04:05", "2026-10-23 "+words[0])
		if err != nil {
			t.Fatal(err)
		}
		tl.Lines = append(tl.Lines, play.Line{
			At: at, Zone: time.UTC, Kind: play.LineKind(words[1]), Name: words[2], Names: []string{words[2], "any"}, Reason: words[3],
			Listed: words[3] != "condition" && words[1] != "event",
		})
	}
	return tl
}

func at(clock string) dsl.Moment {
	m, _ := dsl.ParseMoment("2026-10-23T" + clock)
	return m
}

func TestCompare(t *testing.T) {
	t.Parallel()
	got := []string{"10:00:30 email hello", "10:00:30 event page.viewed", "11:00:00 skipped nudge condition", "12:30:00 skipped text no_consent", "13:00:00 outcome completed"}
	hello := dsl.Expected{Kind: dsl.ExpectEmail, Name: "hello"}
	text := dsl.Expected{Kind: dsl.ExpectSkipped, Name: "text"}
	done := dsl.Expected{Kind: dsl.ExpectOutcome, Name: "completed"}
	with := func(x dsl.Expected, edit func(*dsl.Expected)) dsl.Expected { edit(&x); return x }
	for name, test := range map[string]struct {
		want []dsl.Expected
		rows string // + agrees, x differs, - is missing, ! is too much, . explains
	}{
		"all":               {[]dsl.Expected{hello, text, done}, "+..++"},
		"an optional one":   {[]dsl.Expected{hello, {Kind: dsl.ExpectSkipped, Name: "nudge"}, text, done}, "+.+++"},
		"missing":           {[]dsl.Expected{hello, {Kind: dsl.ExpectTask, Name: "call"}, text, done}, "+..-++"},
		"too much":          {[]dsl.Expected{hello, done}, "+..!+"},
		"nothing expected":  {nil, "!..!!"},
		"out of order":      {[]dsl.Expected{hello, done, text}, "+..!+-"},
		"another name":      {[]dsl.Expected{{Kind: dsl.ExpectEmail, Name: "other"}, text, done}, "x..++"},
		"another reason":    {[]dsl.Expected{hello, with(text, func(x *dsl.Expected) { x.Reason = "cap" }), done}, "+..x+"},
		"the same minute":   {[]dsl.Expected{with(hello, func(x *dsl.Expected) { x.At = at("10:00") }), text, done}, "+..++"},
		"the minute after":  {[]dsl.Expected{with(hello, func(x *dsl.Expected) { x.At = at("09:59") }), text, done}, "x..++"},
		"the minute before": {[]dsl.Expected{with(hello, func(x *dsl.Expected) { x.At = at("10:01") }), text, done}, "x..++"},
		"late enough": {[]dsl.Expected{hello, with(text, func(x *dsl.Expected) {
			x.At, x.Within = at("12:00"), dsl.Duration{Exact: 30 * time.Minute}
		}), done}, "+..++"},
		"too late": {[]dsl.Expected{hello, with(text, func(x *dsl.Expected) {
			x.At, x.Within = at("12:00"), dsl.Duration{Exact: 29 * time.Minute}
		}), done}, "+..x+"},
		"of another step": {[]dsl.Expected{with(hello, func(x *dsl.Expected) { x.Of = "b" }), text, done}, "x..++"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, passed := play.Compare(test.want, came(t, got...))
			var marks strings.Builder
			for _, r := range rows {
				switch {
				case r.Want == nil && r.OK:
					marks.WriteByte('.')
				case r.Want == nil:
					marks.WriteByte('!')
				case r.Got == nil:
					marks.WriteByte('-')
				case r.OK:
					marks.WriteByte('+')
				default:
					marks.WriteByte('x')
				}
			}
			if marks.String() != test.rows || passed == strings.ContainsAny(test.rows, "!-x") {
				t.Errorf("got %s, passed %v, want %s\n%s", marks.String(), passed, test.rows, listing(rows))
			}
		})
	}
}

// What could not be evaluated fails a test that expects everything else.
func TestCompareProblem(t *testing.T) {
	t.Parallel()
	tl := came(t, "10:00:00 skipped nudge condition")
	tl.Lines[0].Problem = "candidate.phone is not known"
	if _, passed := play.Compare(nil, tl); passed {
		t.Error("passed")
	}
}
