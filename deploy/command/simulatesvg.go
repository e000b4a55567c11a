package command

import (
	"fmt"
	"html"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/worker/play"
)

// Measures of the drawing, in pixels.
const (
	svgLeft   = 240
	svgRight  = 150
	svgWidth  = 1280
	svgTop    = 88
	svgRow    = 34
	svgBottom = 28
	svgMost   = 200 // candidates that are drawn
)

// Measures of the names at the marks of one candidate, in pixels. They rise to the right, half as high as they are long.
const (
	svgNear   = 24  // marks that are nearer share a name: those of two would run into each other
	svgName   = 40  // characters of the longest name
	svgLetter = 6.2 // how wide a character is at most, on average
	svgAbove  = 14  // how far a name begins above its mark
	svgBeside = 236 // room at the right for the longest name
)

// lane is a row of the drawing: one run, or one candidate's events.
type lane struct {
	label      string
	begin, end time.Time
	open       bool // the run goes on
	lines      []*play.Line
}

// svg draws the timelines: time runs from left to right, each run is a bar, and what happens is a mark on it.
func (s *simulation) svg() string {
	lanes, left := s.lanes()
	begin, end := extent(lanes)
	d := &drawing{begin: begin, end: end, zone: time.UTC, row: svgRow, right: svgRight}
	if len(s.cast) == 1 {
		d.zone, d.right, d.named = s.cast[0].played.Zone, svgBeside, true
		d.row = d.tall(lanes)
	}
	height := svgTop + d.row*max(len(lanes), 1) + svgBottom
	fmt.Fprintf(&d.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="system-ui, sans-serif" font-size="13">`+"\n",
		svgWidth, height, svgWidth, height)
	fmt.Fprintf(&d.b, "<title>%s</title>\n", html.EscapeString("Simulation of "+strings.Join(s.names, ", ")))
	d.b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	d.text(16, 26, `font-size="17" font-weight="600"`, strings.Join(s.names, ", "))
	about := fmt.Sprintf("%s to %s, times in %s", begin.In(d.zone).Format("2 Jan 2006"), end.In(d.zone).Format("2 Jan 2006"), d.zone)
	if left > 0 {
		about += fmt.Sprintf("; %d more candidates are not drawn", left)
	}
	d.text(16, 46, `fill="#555"`, about)
	d.legend()
	d.axis(svgTop + d.row*max(len(lanes), 1))
	for i := range lanes {
		d.lane(&lanes[i], svgTop+d.row*(i+1)-svgRow/2)
	}
	if len(lanes) == 0 {
		d.text(svgLeft, svgTop+svgRow/2, "", "Nobody would be enrolled.")
	}
	d.b.WriteString("</svg>\n")
	return d.b.String()
}

// lanes are the rows: of one candidate their events and each run, of many the runs of those who have some.
func (s *simulation) lanes() (lanes []lane, left int) {
	drawn := 0
	for _, a := range s.cast {
		if len(a.played.Runs) == 0 && len(s.cast) > 1 {
			continue
		}
		if drawn++; drawn > svgMost {
			left++
			continue
		}
		if len(s.cast) == 1 {
			events := lane{label: "events", begin: a.part.Start, end: a.part.Start}
			for i := range a.played.Lines {
				if l := &a.played.Lines[i]; l.Kind == play.LineEvent {
					events.lines = append(events.lines, l)
				}
			}
			lanes = append(lanes, events)
		}
		for i := range a.played.Runs {
			r := &a.played.Runs[i]
			run := lane{label: a.name, begin: r.StartedAt, end: r.ClosedAt, open: r.Open()}
			if len(s.names) > 1 || len(s.cast) == 1 {
				run.label = r.Definition
			}
			if run.open {
				run.end = a.played.End
			}
			for j := range a.played.Lines {
				l := &a.played.Lines[j]
				if l.Definition == r.Definition && !l.At.Before(run.begin) && !l.At.After(run.end) && (l.Listed || l.Kind == play.LineKind(dsl.ExpectSkipped)) {
					run.lines = append(run.lines, l)
				}
			}
			lanes = append(lanes, run)
		}
	}
	return lanes, left
}

// extent is from when until when there is something to draw, at least a day.
func extent(lanes []lane) (begin, end time.Time) {
	for i := range lanes {
		l := &lanes[i]
		times := []time.Time{l.begin, l.end}
		for _, line := range l.lines {
			times = append(times, line.At)
		}
		for _, t := range times {
			if begin.IsZero() || t.Before(begin) {
				begin = t
			}
			if t.After(end) {
				end = t
			}
		}
	}
	if end.Sub(begin) < 24*time.Hour {
		end = begin.Add(24 * time.Hour)
	}
	return begin, end
}

// drawing is an SVG in the making.
type drawing struct {
	b          strings.Builder
	begin, end time.Time
	zone       *time.Location
	row, right int  // height of a lane, and the room beside it
	named      bool // marks have names
}

func (d *drawing) x(t time.Time) float64 {
	part := float64(t.Sub(d.begin)) / float64(d.end.Sub(d.begin))
	return svgLeft + part*float64(svgWidth-svgLeft-d.right)
}

func (d *drawing) text(x, y int, attributes, text string) {
	fmt.Fprintf(&d.b, "<text x=\"%d\" y=\"%d\" %s>%s</text>\n", x, y, attributes, html.EscapeString(text))
}

// ticks are the distances between lines of the axis, in days.
func ticks() []int { return []int{1, 7, 14, 30, 91, 182, 365} }

// axis draws the days, weeks or months, so that there are at most a dozen.
func (d *drawing) axis(bottom int) {
	days := int(d.end.Sub(d.begin).Hours()/24) + 1
	step := ticks()[len(ticks())-1]
	for _, t := range ticks() {
		if days/t <= 12 {
			step = t
			break
		}
	}
	y, m, day := d.begin.In(d.zone).Date()
	for t := time.Date(y, m, day, 0, 0, 0, 0, d.zone); !t.After(d.end); t = t.AddDate(0, 0, step) {
		if t.Before(d.begin) {
			continue
		}
		fmt.Fprintf(&d.b, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ddd\"/>\n", d.x(t), svgTop, d.x(t), bottom)
		fmt.Fprintf(&d.b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\" font-size=\"11\">%s</text>\n", d.x(t), bottom+16, t.Format("2 Jan 06"))
	}
}

func (d *drawing) lane(l *lane, y int) {
	d.text(16, y+4, "", clipText(l.label, 30))
	if l.end.After(l.begin) {
		dash := ""
		if l.open {
			dash = ` stroke-dasharray="6 4"`
		}
		fmt.Fprintf(&d.b, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#9db4c8\" stroke-width=\"4\"%s/>\n", d.x(l.begin), y, d.x(l.end), y, dash)
	}
	if d.named {
		for _, n := range d.names(l) {
			fmt.Fprintf(&d.b, "<text x=\"%.1f\" y=\"%d\" font-size=\"11\" transform=\"rotate(-30 %.1f %d)\">%s</text>\n",
				n.x, y-svgAbove, n.x, y-svgAbove, html.EscapeString(n.text))
		}
	}
	for _, line := range l.lines {
		x := d.x(line.At)
		fmt.Fprintf(&d.b, "<g>%s<title>%s</title></g>\n", mark(line.Kind, x, float64(y)), html.EscapeString(strings.TrimSpace(lineText(line)+" "+lineWhy(line))))
	}
}

// name is what one or more marks are called.
type name struct {
	x    float64
	text string
}

// names are what the marks of a lane are called; marks at the same place share a name.
func (d *drawing) names(l *lane) []name {
	var all []name
	for _, line := range l.lines {
		x := d.x(line.At)
		if last := len(all) - 1; last >= 0 && x-all[last].x < svgNear {
			all[last].text += ", " + line.Name
			continue
		}
		all = append(all, name{x, line.Name})
	}
	for i := range all {
		all[i].text = clipText(all[i].text, svgName)
	}
	return all
}

// tall is the height of a lane in which the longest name has room.
func (d *drawing) tall(lanes []lane) int {
	longest := 0
	for i := range lanes {
		for _, n := range d.names(&lanes[i]) {
			longest = max(longest, utf8.RuneCountInString(n.text))
		}
	}
	return svgRow + svgAbove + int(float64(longest)*svgLetter/2)
}

// mark is the sign of a kind: messages are round, tasks and other effects square, what is skipped is empty, an end is a bar.
func mark(kind play.LineKind, x, y float64) string {
	circle := func(fill, stroke string) string {
		return fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="7" fill="%s" stroke="%s" stroke-width="2"/>`, x, y, fill, stroke)
	}
	switch kind { //nolint:exhaustive // the rest is square
	case play.LineKind(dsl.ExpectEmail), play.LineKind(dsl.ExpectSurvey):
		return circle("#1f6feb", "#fff")
	case play.LineKind(dsl.ExpectSMS):
		return circle("#1a7f37", "#fff")
	case play.LineKind(dsl.ExpectSkipped):
		return circle("#fff", "#9a6700")
	case play.LineKind(dsl.ExpectOutcome):
		return fmt.Sprintf(`<rect x="%.1f" y="%.1f" width="4" height="20" fill="#24292f"/>`, x-2, y-10)
	case play.LineEvent:
		return fmt.Sprintf(`<path d="M%.1f %.1f l6 10 h-12 z" fill="#8250df"/>`, x, y-5)
	}
	return fmt.Sprintf(`<rect x="%.1f" y="%.1f" width="12" height="12" fill="#bc4c00" stroke="#fff"/>`, x-6, y-6)
}

// legend says what the signs mean.
func (d *drawing) legend() {
	x := 16
	for _, sign := range []struct {
		kind play.LineKind
		word string
	}{
		{play.LineKind(dsl.ExpectEmail), "email"},
		{play.LineKind(dsl.ExpectSMS), "text message"},
		{play.LineKind(dsl.ExpectTask), "task or other effect"},
		{play.LineKind(dsl.ExpectSkipped), "skipped"},
		{play.LineKind(dsl.ExpectOutcome), "end"},
		{play.LineEvent, "event"},
	} {
		d.b.WriteString(mark(sign.kind, float64(x+8), 66) + "\n")
		d.text(x+22, 70, `fill="#555"`, sign.word)
		x += 42 + 7*len(sign.word)
	}
}

func clipText(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
