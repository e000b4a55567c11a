package graph

import (
	"strings"
	"unicode/utf8"
)

// font is a way of writing. Its size is in pixels.
type font struct {
	class string // of CSS
	size  int
	bold  bool
	line  int // the height of a line
}

func fontTitle() font { return font{"ti", 22, true, 28} }
func fontHead() font  { return font{"hd", 12, true, 18} }
func fontText() font  { return font{"tx", 14, false, 19} }
func fontNote() font  { return font{"nt", 12, false, 16} }

// width estimates how wide a text is drawn, in pixels, rounded up. The reader's font is not known, so it takes the widths of a
// wide one: a box that is a little too large does no harm.
func (f font) width(s string) int {
	units := 0 // hundredths of the size
	for _, r := range s {
		units += runeUnits(r)
	}
	if f.bold {
		units += units / 12
	}
	return (units*f.size + 99) / 100
}

func runeUnits(r rune) int {
	switch {
	case strings.ContainsRune("il.,:;'|!j·’‘", r):
		return 32
	case strings.ContainsRune(" ftrI()[]{}/-“”\"", r):
		return 42
	case strings.ContainsRune("mwMW@%—…→", r):
		return 96
	case r >= 'A' && r <= 'Z':
		return 72
	case r >= 0x1100: // East Asian, emoji
		return 110
	}
	return 62
}

// wrap breaks a text into lines of at most some width: at blanks, and inside words that are longer than a line.
func (f font) wrap(s string, most int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		for f.width(word) > most {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := f.head(word, most)
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case f.width(line+" "+word) <= most:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// head is the longest beginning of a word that fits, at least one character. It ends after a sign where it can.
func (f font) head(word string, most int) string {
	end, sign := 0, 0
	for i, r := range word {
		next := i + utf8.RuneLen(r)
		if f.width(word[:next]) > most && end > 0 {
			break
		}
		if end = next; strings.ContainsRune("._-/&|(", r) {
			sign = next
		}
	}
	if sign > end/2 {
		return word[:sign]
	}
	return word[:end]
}

// written is a line of text with its place: the left end, or the middle, of its base line.
type written struct {
	x, y   int
	text   string
	font   font
	middle bool
}

// paragraph is lines of one font.
type paragraph struct {
	font  font
	lines []string
	above int // the room above it
}

// extent is how large paragraphs are drawn under each other.
func extent(all []paragraph) (width, height int) {
	for _, p := range all {
		height += p.above
		for _, l := range p.lines {
			width = max(width, p.font.width(l))
			height += p.font.line
		}
	}
	return width, height
}

// write places paragraphs under each other from a top edge.
func write(all []paragraph, x, top int, middle bool) []written {
	var out []written
	for _, p := range all {
		top += p.above
		for _, l := range p.lines {
			out = append(out, written{x, top + p.font.line - (p.font.line-p.font.size)/2 - p.font.size/6, l, p.font, middle})
			top += p.font.line
		}
	}
	return out
}
