package play

import (
	"slices"
	"time"

	"github.com/rapport-crm/rapport/dsl"
)

// Row is a row of a comparison: what was expected, what came, or both.
type Row struct {
	Want *dsl.Expected
	Got  *Line
	OK   bool // they agree, or what came need not be listed
}

// Compare puts what a test expects beside what came, in order. The test passes when every row is OK and no line has a problem.
func Compare(want []dsl.Expected, got *Timeline) (rows []Row, passed bool) {
	c := comparison{want: want, got: got.Lines}
	rows = c.rows()
	passed = !slices.ContainsFunc(rows, func(r Row) bool { return !r.OK })
	for i := range got.Lines {
		passed = passed && got.Lines[i].Problem == ""
	}
	return rows, passed
}

// comparison aligns two lists at the least cost.
type comparison struct {
	want []dsl.Expected
	got  []Line
}

// Costs of an alignment. Two lines that differ stand beside each other when they are about the same thing, or at least of the
// same kind.
const (
	costTimes   = 2 // the same thing at another time, or for another reason
	costAlone   = 3 // missing, or too much
	costNames   = 5 // the same kind of thing by another name
	costApart   = 100
	minuteSlack = time.Minute
)

// pair is the cost of putting two lines beside each other.
func (c *comparison) pair(x *dsl.Expected, l *Line) int {
	switch {
	case LineKind(x.Kind) != l.Kind:
		return costApart
	case !slices.Contains(l.Names, x.Name) || x.Of != "" && x.Of != l.Step || x.To != l.To:
		if l.Listed {
			return costNames
		}
		return costApart
	case x.Reason != "" && x.Reason != l.Reason, !inTime(x, l), !asBooked(x, l), !x.Until.IsZero() && !x.Until.In(l.Zone).Equal(l.Until.Truncate(time.Minute)):
		return costTimes
	}
	return 0
}

// asBooked tells whether an interview begins when it should, with whom it should.
func asBooked(x *dsl.Expected, l *Line) bool {
	return (x.Starts.IsZero() || x.Starts.In(l.Zone).Equal(l.Starts)) && (len(x.With) == 0 || slices.Equal(slices.Sorted(slices.Values(x.With)), l.With))
}

// inTime tells whether a line came in the minute that was expected, or as much later as it may.
func inTime(x *dsl.Expected, l *Line) bool {
	if x.At.IsZero() {
		return true
	}
	at := x.At.In(l.Zone)
	if l.At.Before(at) {
		return false
	}
	return l.At.Before(at.Add(minuteSlack)) || !l.At.After(x.Within.Add(at, l.Zone, nil))
}

func alone(l *Line) int {
	if l.Listed {
		return costAlone
	}
	return 0
}

// rows finds the cheapest alignment, from the end to the front.
func (c *comparison) rows() []Row {
	n, m := len(c.want), len(c.got)
	cost := make([][]int, n+1)
	for i := range cost {
		cost[i] = make([]int, m+1)
	}
	for i := n; i >= 0; i-- {
		for j := m; j >= 0; j-- {
			switch {
			case i == n && j == m:
			case i == n:
				cost[i][j] = alone(&c.got[j]) + cost[i][j+1]
			case j == m:
				cost[i][j] = costAlone + cost[i+1][j]
			default:
				cost[i][j] = min(c.pair(&c.want[i], &c.got[j])+cost[i+1][j+1], costAlone+cost[i+1][j], alone(&c.got[j])+cost[i][j+1])
			}
		}
	}
	var rows []Row
	for i, j := 0, 0; i < n || j < m; {
		switch {
		case i < n && j < m && cost[i][j] == c.pair(&c.want[i], &c.got[j])+cost[i+1][j+1]:
			rows = append(rows, Row{Want: &c.want[i], Got: &c.got[j], OK: c.pair(&c.want[i], &c.got[j]) == 0})
			i, j = i+1, j+1
		case j < m && cost[i][j] == alone(&c.got[j])+cost[i][j+1]:
			rows = append(rows, Row{Got: &c.got[j], OK: !c.got[j].Listed})
			j++
		default:
			rows = append(rows, Row{Want: &c.want[i]})
			i++
		}
	}
	return rows
}
