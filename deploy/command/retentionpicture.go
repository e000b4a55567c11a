package command

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rapport-crm/rapport/dsl/retention"
)

// pictureColumns is how wide the bars of a picture are.
const pictureColumns = 60

// retentionPicture draws the policies that apply as bars over time, or nothing when none does.
func retentionPicture(v *retention.Verdict) string {
	from, to, width := v.At, v.DueAt, 0
	var rules []*retention.Rule
	for i := range v.Rules {
		if r := &v.Rules[i]; r.Applies && !r.After.IsZero() {
			rules = append(rules, r)
			width = max(width, utf8.RuneCountInString(r.Policy))
			from, to = earlier(from, r.After), later(to, r.Until)
		}
	}
	to = later(to, v.At)
	if len(rules) == 0 || !from.Before(to) {
		return ""
	}
	column := func(t time.Time) int {
		return int(math.Round(float64(pictureColumns-1) * float64(t.Sub(from)) / float64(to.Sub(from))))
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\n%-*s  %s%*s\n", width, "", from.Format(time.DateOnly), pictureColumns-len(time.DateOnly), to.Format(time.DateOnly))
	for _, r := range rules {
		line, fill := []rune(strings.Repeat(" ", pictureColumns)), '░'
		if r.Minimum {
			fill = '█'
		}
		for i := column(r.After); i <= column(r.Until); i++ {
			line[i] = fill
		}
		if r.Policy == v.Policy {
			sign(line, column, v.NoticeAt, '✉')
			sign(line, column, v.DueAt, '×')
		}
		sign(line, column, v.At, '│')
		fmt.Fprintf(&out, "%-*s  %s\n", width, r.Policy, strings.TrimRight(string(line), " "))
	}
	return out.String()
}

// sign puts one where a moment is, if there is one.
func sign(line []rune, column func(time.Time) int, at time.Time, what rune) {
	if i := column(at); !at.IsZero() && i >= 0 && i < len(line) {
		line[i] = what
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// bars shows two numbers beside each other: who is told, and who is taken.
func bars(told, taken, most int64) string {
	const columns = 30
	length := func(n int64) int { return int((n*columns + most - 1) / most) }
	return strings.Repeat("░", length(told)) + strings.Repeat("█", length(taken))
}
