package command

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

func hasErrors(problems []crm.Problem) bool {
	return slices.ContainsFunc(problems, func(p crm.Problem) bool { return p.Severity == crm.SeverityError })
}

// printProblems lists problems as compilers do, each with its place in the text, and counts them.
func printProblems(w io.Writer, problems []crm.Problem, files []dsl.File) {
	s := styleOf(w)
	texts := sourceLines(files)
	var b strings.Builder
	counts := map[crm.Severity]int{}
	for _, p := range problems {
		counts[p.Severity]++
		printProblem(&b, p, texts[p.File], s)
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s\n", plural(len(files), "file"), plural(counts[crm.SeverityError], "error"),
		plural(counts[crm.SeverityWarning], "warning"), plural(counts[crm.SeverityHint], "hint"))
	write(w, b.String())
}

// sourceLines returns the lines of files as problems count them.
func sourceLines(files []dsl.File) map[string][]string {
	all := make(map[string][]string, len(files))
	for _, f := range files {
		text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(f.Text), "\ufeff"))
		all[f.Path] = strings.Split(text, "\n")
	}
	return all
}

func printProblem(b *strings.Builder, p crm.Problem, lines []string, s style) {
	fmt.Fprintf(b, "%s %s %s", s.bold(fmt.Sprintf("%s:%d:%d:", p.File, p.Line, p.Column)),
		s.severity(p.Severity, string(p.Severity)+" "+p.Code+":"), p.Message)
	if p.Fix != "" {
		b.WriteString(" " + p.Fix)
	}
	b.WriteByte('\n')
	if p.Line < 1 || p.Line > len(lines) || strings.TrimSpace(lines[p.Line-1]) == "" {
		return
	}
	number := fmt.Sprintf("%5d", p.Line)
	text, before := excerpt(lines[p.Line-1], p.Column)
	fmt.Fprintf(b, "%s %s\n", s.dim(number+" |"), text)
	fmt.Fprintf(b, "%s %s%s\n", s.dim(strings.Repeat(" ", len(number))+" |"), strings.Repeat(" ", before), s.severity(p.Severity, "^"))
}

// Long lines are cut so that excerptWidth columns around the place are left, most of them behind it.
const (
	excerptWidth  = 100
	excerptBefore = 40
	tab           = "    "
)

// excerpt returns a line as it can be shown, and how many columns of a terminal stand before the column (from 1, in
// characters). Tabs become spaces, and what would not be seen, or would steer the terminal, a dot.
func excerpt(line string, column int) (text string, before int) {
	type cell struct {
		text  string
		width int
	}
	var cells []cell
	place, runes := -1, 0 // place is the cell that has the column
	for graphemes := uniseg.NewGraphemes(line); graphemes.Next(); {
		c := cell{graphemes.Str(), graphemes.Width()}
		switch {
		case c.text == "\t":
			c = cell{tab, len(tab)}
		case strings.ContainsFunc(c.text, unseen):
			c = cell{"·", 1}
		}
		if runes += len(graphemes.Runes()); place < 0 && runes >= column {
			place = len(cells)
		}
		cells = append(cells, c)
	}
	if place < 0 {
		place = len(cells)
	}
	total := 0
	for i, c := range cells {
		total += c.width
		if i < place {
			before += c.width
		}
	}
	first, dots := 0, ""
	if total > excerptWidth && before > excerptWidth-excerptBefore/2 {
		for ; before > excerptBefore; first++ {
			before -= cells[first].width
		}
		dots = "…"
		before++
	}
	width := len([]rune(dots))
	var b strings.Builder
	b.WriteString(dots)
	for _, c := range cells[first:] {
		if width += c.width; width > excerptWidth {
			b.WriteString("…")
			break
		}
		b.WriteString(c.text)
	}
	return strings.TrimRight(b.String(), " "), before
}

// unseen tells whether a character would not be seen on a terminal, or would steer it.
func unseen(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
